import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml'
import { startOf } from './position.ts'

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

/**
 * How many maps and lists may lie in each other, with the aliases written out. What walks a document calls itself for
 * each; nobody writes more than twenty by hand.
 */
export const depthMax = 100

/** What is said of a document that has more. */
export const tooDeep = `more than ${depthMax} maps and lists lie in each other; flatten them`

/** A key that would reach an object's prototype in code that assigns instead of defining. */
export const forbiddenKey = '__proto__'

/** What is said of a document that has it. */
export const keyIsForbidden = `the key ${forbiddenKey} is never allowed; remove it`

function faultOfKey({ key }: Pair, seen: ReadonlySet<string>): string | undefined {
  if (!isScalar(key) || key.value === null) return 'a key is empty, an alias, a list or a map; write text as the key'
  const text = String(key.value)
  if (text === forbiddenKey) return keyIsForbidden
  if (text === '<<' && key.type === 'PLAIN') return 'YAML 1.2 merges nothing with the key <<; write the keys out'
  if (seen.has(text)) return `the key ${JSON.stringify(text)} is there twice; remove one`
  return undefined
}

// The YAML library's own search for duplicates compares every key with every other: minutes for a megabyte of keys.
function faultOfKeys(map: YAMLMap): StructureFault | undefined {
  const seen = new Set<string>()
  for (const pair of map.items) {
    const sentence = faultOfKey(pair, seen)
    if (sentence !== undefined) return { offset: startOf(pair.key) ?? startOf(map) ?? 0, sentence }
    if (isScalar(pair.key)) seen.add(String(pair.key.value))
  }
  return undefined
}

/** How deep what is below a node lies, or the first fault in it. */
type Looked = number | StructureFault

/** Looks at the nodes of a document from the outside in, and from the beginning on, as aliases need it. */
function lookThrough(document: Document): (node: unknown, depth: number) => Looked {
  /** Of the maps and lists that were looked through; of those around the present one, undefined. */
  const heights = new Map<unknown, number | undefined>()
  let aliases = 0

  function lookAtAlias(alias: Alias, depth: number): Looked {
    const offset = startOf(alias) ?? 0
    if (++aliases > aliasMax) return { offset, sentence: `more than ${aliasMax} aliases; write the values out` }
    const target = alias.resolve(document)
    const named = `the alias *${alias.source}`
    if (target === undefined) return { offset, sentence: `${named} is of nothing before it; write the value out` }
    const height = heights.has(target) ? heights.get(target) : 0
    if (height === undefined) return { offset, sentence: `${named} contains itself; write the value out` }
    return depth + height > depthMax ? { offset, sentence: tooDeep } : height
  }

  function lookAtAll(nodes: readonly unknown[], depth: number): Looked {
    let height = 0
    for (const node of nodes) {
      const looked = look(node, depth)
      if (typeof looked !== 'number') return looked
      height = Math.max(height, looked)
    }
    return height
  }

  function look(node: unknown, depth: number): Looked {
    if (isAlias(node)) return lookAtAlias(node, depth)
    if (!isMap(node) && !isSeq(node)) return 0
    if (depth >= depthMax) return { offset: startOf(node) ?? 0, sentence: tooDeep }
    const fault = isMap(node) ? faultOfKeys(node) : undefined
    if (fault !== undefined) return fault
    heights.set(node, undefined)
    const below = lookAtAll(isMap(node) ? node.items.map(({ value }) => value) : node.items, depth + 1)
    if (typeof below !== 'number') return below
    heights.set(node, below + 1)
    return below + 1
  }

  return look
}

/** The first fault that no schema can see: keys that are there twice, hostile keys, aliases without end, depth. */
export function structureFault(document: Document): StructureFault | undefined {
  const looked = lookThrough(document)(document.contents, 0)
  return typeof looked === 'number' ? undefined : looked
}
