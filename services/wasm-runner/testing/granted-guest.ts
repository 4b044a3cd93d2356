import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { grantedTree } from './granted-tree.ts'
import { grant, rawWasi } from './raw-wasi.ts'

/** A guest that was granted a tree of its own, as descriptor 3; both go with it. */
export function grantedGuest(access: 'read' | 'read_write') {
  const tree = grantedTree()
  const raw = rawWasi({ grants: grant(tree.path, access) })
  /** What is in a file of the tree. */
  const text = (name: string): string => readFileSync(join(tree.path, name), 'utf8')
  const dispose = (): void => {
    raw[Symbol.dispose]()
    tree[Symbol.dispose]()
  }
  return { ...raw, tree, text, [Symbol.dispose]: dispose }
}
