import { type Alias, type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml'

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '')

/** Where a node begins in the text; undefined for what is not there. */
export const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]

/** The offset of what a path names; `isKey`: that of the last part's key instead of its value. */
export type OffsetOf = (path: readonly PropertyKey[], isKey: boolean) => number

/** What `compute` says of a node, which is asked for each of its parts, and goes through it each time. */
function once<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>()
  return (key) => {
    const value = known.has(key) ? (known.get(key) as Value) : compute(key)
    known.set(key, value)
    return value
  }
}

/** The way from a node of a document to a part of it. */
function childrenIn(document: Document): (node: unknown, part: PropertyKey) => Pair | Node | undefined {
  const targetOf = once((alias: Alias) => alias.resolve(document))
  const pairsOf = once((pairs: readonly Pair[]) => new Map(pairs.map((pair) => [keyOf(pair), pair])))
  return (given, part) => {
    const node = isAlias(given) ? targetOf(given) : given
    if (isMap(node)) return pairsOf(node.items).get(String(part))
    return isSeq(node) ? (node.items[Number(part)] as Node | undefined) : undefined
  }
}

/** Where the parts of a document are in its text. What is missing has the place of the nearest thing around it. */
export function offsetsIn(document: Document): OffsetOf {
  const child = childrenIn(document)
  return (path, isKey) => {
    let node: unknown = document.contents
    let offset = startOf(node) ?? 0
    for (const [index, part] of path.entries()) {
      const next = child(node, part)
      if (next === undefined) return offset
      if (!isPair(next)) {
        node = next
      } else {
        if (isKey && index === path.length - 1) return startOf(next.key) ?? offset
        node = next.value
        // A key without a value has no place of its own for it.
        offset = startOf(next.key) ?? offset
      }
      offset = startOf(node) ?? offset
    }
    return offset
  }
}
