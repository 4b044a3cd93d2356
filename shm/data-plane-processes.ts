import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const count = z.int().min(0)

/** How the roster names a process of a plugin. */
export const namedProcess = { instance: count, pid: count, startTicks: count }

const roster = z.looseObject({
  places: z.array(z.looseObject({ ...namedProcess, spec: z.looseObject({ id: z.string() }).optional() })),
  others: z.array(z.looseObject(namedProcess)),
})

export const rosterPath = (shmDir: string): string => join(shmDir, 'roster.json')

/** Replaces the roster whole: who is killed here leaves the one before. */
export function replaceRoster(path: string, roster: object): void {
  const temporary = `${path}.new`
  writeFileSync(temporary, JSON.stringify(roster), { mode: 0o600 })
  renameSync(temporary, path)
}

/**
 * The processes of plugins that the rig's dsp-helper wrote down, for who has to end them without it. Of what a version
 * wrote that is not ours no more is read than that; a roster that cannot be read names nobody.
 */
export function readDataPlaneProcesses(
  shmDir: string,
): readonly { readonly pid: number; readonly startTicks: number }[] {
  try {
    const { places, others } = roster.parse(JSON.parse(readFileSync(rosterPath(shmDir), 'utf8')))
    return [...places, ...others]
  } catch {
    return []
  }
}

/**
 * Takes plugins out of what the next dsp-helper takes over, while there is none, and returns their processes. A roster that
 * cannot be read has none of them.
 */
export function disownPlugins(
  shmDir: string,
  ids: readonly string[],
): readonly { readonly pid: number; readonly startTicks: number }[] {
  const path = rosterPath(shmDir)
  try {
    const before = roster.parse(JSON.parse(readFileSync(path, 'utf8')))
    const leaving = before.places.filter(({ spec }) => spec !== undefined && ids.includes(spec.id))
    if (leaving.length === 0) return []
    const others = leaving.map(({ instance, pid, startTicks }) => ({ instance, pid, startTicks }))
    const places = before.places.filter((place) => !leaving.includes(place))
    replaceRoster(path, { ...before, places, others: [...before.others, ...others] })
    return others
  } catch {
    return []
  }
}
