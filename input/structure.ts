import { type Alias, type Document, isScalar, type Pair, visit, type YAMLMap } from 'yaml'

/** A fault of the document itself, whatever its schema. */
export interface StructureFault {
  readonly offset: number
  readonly sentence: string
}

/**
 * How many aliases (`*name`) a document may hold, and how many nodes each may stand for when all are expanded. The
 * default of the YAML library for the second; far more than a file written by hand has.
 */
export const aliasMax = 100

/** A key that would reach an object's prototype in code that assigns instead of defining. */
const forbiddenKey = '__proto__'

function faultOfKey(pair: Pair, seen: ReadonlySet<string>): string | undefined {
  if (!isScalar(pair.key) || pair.key.value === null) return 'a key is empty, a list or a map; write text as the key'
  const key = String(pair.key.value)
  if (key === forbiddenKey) return `the key ${forbiddenKey} is never allowed; remove it`
  if (seen.has(key)) return `the key ${JSON.stringify(key)} is there twice; remove one`
  return undefined
}

// The YAML library's own search for duplicates compares every key with every other: minutes for a megabyte of keys.
function faultOfKeys(map: YAMLMap): StructureFault | undefined {
  const seen = new Set<string>()
  for (const pair of map.items) {
    const sentence = faultOfKey(pair, seen)
    const key = pair.key as { readonly range?: readonly number[] } | null
    if (sentence !== undefined) return { offset: key?.range?.[0] ?? map.range?.[0] ?? 0, sentence }
    if (isScalar(pair.key)) seen.add(String(pair.key.value))
  }
  return undefined
}

/** The first fault that no schema can see: keys that are there twice, hostile keys, aliases without end. */
export function structureFault(document: Document): StructureFault | undefined {
  let fault: StructureFault | undefined
  let aliases = 0
  const stop = (found: StructureFault): symbol => {
    fault = found
    return visit.BREAK
  }
  visit(document, {
    Map: (_key, map) => {
      const found = faultOfKeys(map)
      return found === undefined ? undefined : stop(found)
    },
    Alias: (_key, alias: Alias, path) => {
      const offset = alias.range?.[0] ?? 0
      if (++aliases > aliasMax) return stop({ offset, sentence: `more than ${aliasMax} aliases; write the values out` })
      const target = alias.resolve(document)
      if (target !== undefined && path.includes(target)) {
        return stop({ offset, sentence: `the alias *${alias.source} contains itself; write the value out` })
      }
      return undefined
    },
  })
  return fault
}
