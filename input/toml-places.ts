import { type AST, parseTOML } from 'toml-eslint-parser'
import { depthMax } from './structure.ts'

/** Both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where what a path names is; `isKey`: its key instead of its value. Undefined where nobody can tell. */
export type PlaceOf = (path: readonly PropertyKey[], isKey: boolean) => Place | undefined

interface Entry {
  readonly key: Place
  readonly value: Place
}

type Path = readonly (string | number)[]
type Note = (path: Path, entry: Entry) => void

const nameOf = (path: readonly PropertyKey[]): string => JSON.stringify(path.map(String))

const startOf = ({ loc }: AST.TOMLNode): Place => ({ line: loc.start.line, column: loc.start.column + 1 })
const textOf = (part: AST.TOMLBare | AST.TOMLQuoted): string => (part.type === 'TOMLBare' ? part.name : part.value)

function noteValue(value: AST.TOMLContentNode, path: Path, note: Note): void {
  if (value.type === 'TOMLInlineTable') noteKeys(value.body, path, note)
  if (value.type !== 'TOMLArray') return
  for (const [index, element] of value.elements.entries()) {
    note([...path, index], { key: startOf(element), value: startOf(element) })
    noteValue(element, [...path, index], note)
  }
}

function noteKeys(body: readonly AST.TOMLKeyValue[], around: Path, note: Note): void {
  for (const { key, value } of body) {
    let path = around
    // Of more nobody asks, and to name each of ten thousand takes long.
    for (const part of key.keys.slice(0, depthMax)) {
      path = [...path, textOf(part)]
      note(path, { key: startOf(part), value: part === key.keys.at(-1) ? startOf(value) : startOf(part) })
    }
    noteValue(value, path, note)
  }
}

function noteTable({ key, resolvedKey, body }: AST.TOMLTable, note: Note): void {
  const path = resolvedKey.slice(0, depthMax)
  for (const index of path.keys()) note(path.slice(0, index + 1), { key: startOf(key), value: startOf(key) })
  noteKeys(body, path, note)
}

function entriesOf(text: string): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>()
  const note: Note = (path, entry) => {
    const name = nameOf(path)
    if (!entries.has(name)) entries.set(name, entry)
  }
  const [{ body }] = parseTOML(text, { tomlVersion: '1.1' }).body
  for (const node of body) {
    if (node.type === 'TOMLTable') noteTable(node, note)
    else noteKeys([node], [], note)
  }
  return entries
}

/**
 * Where the parts of a TOML document are in its text. What is missing has the place of the nearest thing around it. The
 * text is one that parses: the parser that knows places takes keys for which the other refuses a document.
 */
export function placesIn(text: string): PlaceOf {
  let entries: ReadonlyMap<string, Entry>
  try {
    entries = entriesOf(text)
  } catch {
    return () => undefined // no place is better than no sentence
  }
  return (path, isKey) => {
    const exact = entries.get(nameOf(path))
    if (exact !== undefined) return isKey ? exact.key : exact.value
    const around = path.slice(0, -1)
    for (; around.length > 0; around.pop()) {
      const entry = entries.get(nameOf(around))
      if (entry !== undefined) return entry.value
    }
    return { line: 1, column: 1 }
  }
}
