import { z } from 'zod'

type Path = readonly (string | number)[]

/** The path of the first number in a value that JSON has no word for; what is there twice is looked through once. */
function notFinite(value: unknown, path: Path, seen: Set<unknown>): Path | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  seen.add(value)
  const parts: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  for (const [key, part] of parts) {
    const found = notFinite(part, [...path, key], seen)
    if (found !== undefined) return found
  }
  return undefined
}

/** Any map that can be written as JSON. Of a number that is too large for one nothing would be left but `null`. */
export const jsonObject = z.record(z.string(), z.unknown()).superRefine((value, context) => {
  const path = notFinite(value, [], new Set())
  if (path !== undefined)
    context.addIssue({ code: 'custom', path: [...path], message: 'write a number that is finite' })
})
