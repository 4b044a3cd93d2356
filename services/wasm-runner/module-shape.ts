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
  /** The memory, when there is exactly one and the module defines it. */
  readonly memory: { readonly shared: boolean; readonly wide: boolean } | undefined
  /** It has structures or arrays, which are objects of the engine's heap and not bytes of its memory. */
  readonly makesObjects: boolean
}

const section = { type: 1, import: 2, function: 3, memory: 5, export: 7 }
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
  const memories = list(section.memory, (cursor) => cursor.limits())
  const exports = list(section.export, (cursor): [string, Signature] => {
    const name = cursor.name()
    const kind = kinds[cursor.byte()] ?? 'unknown'
    const index = cursor.number()
    return [name, kind === 'function' ? (functions[index] ?? '') : kind]
  })
  const [memory, another] = memories
  const one = memory !== undefined && another === undefined
  return {
    imports,
    exports: new Map(exports),
    memory: one ? { shared: (memory & 2) !== 0, wide: (memory & 4) !== 0 } : undefined,
    makesObjects: moduleTypes.some(({ kind }) => kind !== 'function'),
  }
}
