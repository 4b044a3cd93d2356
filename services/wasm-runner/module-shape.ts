import { section } from './module-survey.ts'
import { type ModuleType, readTypes } from './module-types.ts'
import { sectionsOf, WasmBytes } from './wasm-bytes.ts'

/** A function type as WebAssembly text writes it: `(i32, i32) -> i32`; nothing after the arrow when nothing returns. */
export type Signature = string

export interface FunctionImport {
  readonly module: string
  readonly name: string
  /** The signature; what else it is, such as `memory`, when it is no function. */
  readonly signature: Signature
}

/** What can be seen of a module from outside. WebAssembly.Module.exports() leaves out the signatures, hence this. */
export interface ModuleShape {
  readonly imports: readonly FunctionImport[]
  /** By name: a signature, or `memory`, `table`, `global`, `tag`. */
  readonly exports: ReadonlyMap<string, Signature>
  /** The memory that is exported as `memory`, when the module defines it. */
  readonly memory: { readonly wide: boolean } | undefined
  /** One of its memories is to be shared between threads. */
  readonly sharesMemory: boolean
  /**
   * It has structures, arrays, or exceptions that it may keep: objects of the engine's heap, and not bytes of its memory.
   */
  readonly makesObjects: boolean
}

const kinds = ['function', 'table', 'memory', 'global', 'tag'] as const
const signatureOf = (type: ModuleType): Signature =>
  type.kind === 'function'
    ? `(${type.parameters.join(', ')}) ->${type.results.map((name) => ` ${name}`).join(',')}`
    : type.kind

/** Reads forward over the bytes of one section. */
class Cursor extends WasmBytes {
  /** Their flags. */
  limits(): number {
    const flags = this.number()
    this.skipNumber()
    if (flags & 1) this.skipNumber()
    return flags
  }
}

function readImport(cursor: Cursor, types: readonly Signature[]): FunctionImport {
  const module = cursor.name()
  const name = cursor.name()
  const kind = kinds[cursor.byte()]
  switch (kind) {
    case 'function':
      return { module, name, signature: types[cursor.number()] ?? '' }
    case 'table':
      cursor.type()
      cursor.limits()
      break
    case 'memory':
      cursor.limits()
      break
    case 'global':
      cursor.type()
      cursor.byte()
      break
    default:
      cursor.byte()
      cursor.number()
  }
  return { module, name, signature: kind ?? 'unknown' }
}

/** Reads the shape of a module that V8 has compiled, so its sections are well formed. Throws PLUGIN_INVALID. */
export function readModuleShape(bytes: Uint8Array): ModuleShape {
  const sections = new Map(sectionsOf(bytes).map(({ id, from, to }) => [id, new Cursor(bytes.subarray(from, to))]))
  const list = <T>(id: number, one: (cursor: Cursor) => T): T[] => {
    const cursor = sections.get(id)
    return cursor === undefined ? [] : cursor.list(() => one(cursor))
  }
  const typeSection = sections.get(section.type)
  const moduleTypes = typeSection === undefined ? [] : readTypes(typeSection)
  const types = moduleTypes.map(signatureOf)
  const imports = list(section.import, (cursor) => readImport(cursor, types))
  const defined = list(section.function, (cursor) => types[cursor.number()] ?? '')
  const functions = [...imports.map((each) => each.signature).filter((each) => each.startsWith('(')), ...defined]
  const memories = [
    ...imports.filter(({ signature }) => signature === 'memory').map(() => undefined),
    ...list(section.memory, (cursor) => cursor.limits()),
  ]
  let exported: number | undefined
  const exports = list(section.export, (cursor): [string, Signature] => {
    const name = cursor.name()
    const kind = kinds[cursor.byte()] ?? 'unknown'
    const index = cursor.number()
    if (kind === 'memory' && name === 'memory') exported = memories[index]
    return [name, kind === 'function' ? (functions[index] ?? '') : kind]
  })
  return {
    imports,
    exports: new Map(exports),
    memory: exported === undefined ? undefined : { wide: (exported & 4) !== 0 },
    sharesMemory: memories.some((flags) => flags !== undefined && (flags & 2) !== 0),
    makesObjects: sections.has(section.tag) || moduleTypes.some(({ kind }) => kind !== 'function'),
  }
}
