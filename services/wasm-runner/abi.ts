import { RigError } from '../../rpc/failure.ts'
import type { ModuleShape, Signature } from './module-shape.ts'
import type { EntryPoints } from './plugin-spec.ts'
import { type WasiFunction, wasiModule, wasiSignatures } from './wasi/signatures.ts'

/** The ABIs that this version runs. */
export type Abi = 'openracing-sdk-1'

/** What `openracing_abi()` returns. */
export const sdkAbiVersion = 1

const text = '(i32, i32) ->'
const block = '(i32, i32) -> i32'

/** Module `env`: every function that a plugin may import. */
export const hostSignatures = {
  log_debug: text,
  log_info: text,
  log_warn: text,
  log_error: text,
  plugin_log: '(i32, i32, i32) ->',
  check_capability: block,
  get_telemetry: block,
  get_timestamp_us: '() -> i64',
  set_custom_data: '(i32, i32, i32, i32) -> i32',
  send_message: '(i32, i32, i32, i32) -> i32',
  receive_message: block,
} as const satisfies Record<string, Signature>

export type HostFunction = keyof typeof hostSignatures

interface Export {
  readonly name: string
  readonly signature: Signature
  readonly optional?: true
}

const sdkExports = (names: EntryPoints): readonly Export[] => [
  { name: 'memory', signature: 'memory' },
  { name: 'openracing_abi', signature: '() -> i32' },
  { name: 'alloc', signature: '(i32) -> i32' },
  { name: 'dealloc', signature: '(i32, i32) ->' },
  { name: names.initialize, signature: block },
  { name: names.process, signature: '(i32, i32, i32, i32) -> i32' },
  { name: names.shutdown, signature: '() -> i32', optional: true },
  // What WASI's compilers put the constructors of a library in: called once, before everything else.
  { name: '_initialize', signature: '() ->', optional: true },
]

const invalid = (sentence: string): RigError => new RigError('PLUGIN_INVALID', sentence)

/** Names and signatures that are shown of a module: enough to see what it is. */
const shownMax = 20

function describe(exports: ModuleShape['exports']): string {
  const shown = [...exports].slice(0, shownMax).map(([name, signature]) => `${name.slice(0, 64)} ${signature}`.trim())
  if (exports.size > shownMax) shown.push(`${exports.size - shownMax} more`)
  return shown.length === 0 ? 'nothing' : shown.join('; ')
}

function checkExports(shape: ModuleShape, names: EntryPoints): void {
  const needed = sdkExports(names)
  const fits = needed.every(({ name, signature, optional }) => {
    const found = shape.exports.get(name)
    return found === undefined ? optional === true : found === signature
  })
  if (fits) return
  const needs = needed.map((each) => `${each.name} ${each.signature}${each.optional ? ' (optional)' : ''}`).join('; ')
  throw invalid(`the module matches no ABI: it exports ${describe(shape.exports)}; openracing-sdk-1 needs ${needs}`)
}

function hostSignature(module: string, name: string): Signature | undefined {
  if (module === 'env' && Object.hasOwn(hostSignatures, name)) return hostSignatures[name as HostFunction]
  if (module === wasiModule && Object.hasOwn(wasiSignatures, name)) return wasiSignatures[name as WasiFunction]
  return undefined
}

function checkImports(shape: ModuleShape): void {
  for (const { module, name, signature } of shape.imports) {
    const asked = `${module}.${name}`.slice(0, 128)
    const host = hostSignature(module, name)
    if (host === undefined) {
      const functions = Object.keys(hostSignatures).join(', ')
      throw invalid(
        `the module imports ${asked}, which the host does not have; it has ${functions} in env, and WASI preview 1 in ${wasiModule}`,
      )
    }
    if (host !== signature) throw invalid(`the module imports ${asked} as ${signature}; the host has it as ${host}`)
  }
}

function checkMemory({ memory }: ModuleShape): void {
  if (memory === undefined) throw invalid('the module has not exactly one memory of its own; define one and export it')
  if (memory.shared || memory.wide)
    throw invalid('the memory of the module is shared or 64-bit; build it with a plain one')
}

/** Recognises the ABI from exports, imports and memory, never from a name. Throws PLUGIN_INVALID, with what it found. */
export function recogniseAbi(shape: ModuleShape, names: EntryPoints): Abi {
  checkExports(shape, names)
  checkImports(shape)
  checkMemory(shape)
  return 'openracing-sdk-1'
}
