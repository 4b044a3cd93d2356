import { RigError } from '../../rpc/failure.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/** One type of a module; of a function, its value types by name. */
export type ModuleType =
  | { readonly kind: 'function'; readonly parameters: readonly string[]; readonly results: readonly string[] }
  | { readonly kind: 'structure' | 'array' }

const valueTypes: Readonly<Record<number, string>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  123: 'v128',
  112: 'funcref',
  111: 'externref',
  100: 'ref',
  99: 'ref',
}

const nameOf = (code: number): string => valueTypes[code] ?? `0x${code.toString(16)}`

/** Reads the content of a type section: the types in their order, whatever groups they are in. Throws PLUGIN_INVALID. */
export function readTypes(bytes: WasmBytes): readonly ModuleType[] {
  const types: ModuleType[] = []
  const values = (): readonly string[] => bytes.list(() => nameOf(bytes.type()))
  const storage = (): void => {
    bytes.type()
    bytes.skip(1) // mutable or not
  }
  function one(): void {
    const form = bytes.byte()
    switch (form) {
      case 0x4e: // a group of types that name each other
        bytes.list(one)
        return
      case 0x4f: // sub final
      case 0x50: // sub
        bytes.list(() => bytes.skipNumber())
        one()
        return
      case 0x60:
        types.push({ kind: 'function', parameters: values(), results: values() })
        return
      case 0x5f:
        bytes.list(storage)
        types.push({ kind: 'structure' })
        return
      case 0x5e:
        storage()
        types.push({ kind: 'array' })
        return
      default:
        throw new RigError(
          'PLUGIN_INVALID',
          `the module has a type of the form 0x${form.toString(16)}, which this version cannot meter; build it without`,
        )
    }
  }
  bytes.list(one)
  return types
}
