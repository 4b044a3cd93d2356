import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml'

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '')

function child(node: unknown, part: PropertyKey): Pair | Node | undefined {
  if (isMap(node)) return node.items.find((pair) => keyOf(pair) === String(part))
  if (isSeq(node)) return node.items[Number(part)] as Node | undefined
  return undefined
}

const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]

/**
 * The offset of what a path names in the text. What is missing has the place of the nearest thing around it.
 * `isKey`: the offset of the last part's key instead of its value.
 */
export function offsetOf(document: Document, path: readonly PropertyKey[], isKey: boolean): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [index, part] of path.entries()) {
    const next = child(isAlias(node) ? node.resolve(document) : node, part)
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
