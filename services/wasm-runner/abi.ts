import { onOneLine } from '../../input/one-line.ts'
import { RigError } from '../../rpc/failure.ts'
import type { ModuleShape, Signature } from './module-shape.ts'
import type { EntryPoints } from './plugin-spec.ts'
import { type WasiFunction, wasiModule, wasiSignatures } from './wasi/signatures.ts'
import { zenithFormOf, zenithSignatures } from './zenith-forms.ts'

/** Of plugins that tick: what the host calls at their rate. */
export const tickingAbis = ['openracing-env-1', 'openracing-sdk-1'] as const
/** Of plugins that are called when somebody asks. */
export const onCallAbis = ['midimon-action-1', 'zenith-1'] as const

export type TickingAbi = (typeof tickingAbis)[number]
export type OnCallAbi = (typeof onCallAbis)[number]
/** The ABIs that this version runs. */
export type Abi = TickingAbi | OnCallAbi

/** What `openracing_abi()` returns. */
export const sdkAbiVersion = 1

const text = '(i32, i32) ->'
const block = '(i32, i32) -> i32'
const three = '(i32, i32, i32) -> i32'
const four = '(i32, i32, i32, i32) -> i32'

/** What leads to the network, for plugins of every kind. */
export const networkSignatures = {
  http_request: block,
  http_status: '(i32) -> i32',
  http_read: three,
  http_header: '(i32, i32, i32, i32, i32) -> i32',
  http_close: '(i32) -> i32',
  udp_send: four,
} as const satisfies Record<string, Signature>
export type NetworkFunction = keyof typeof networkSignatures

/** Module `env` of openracing-env-1. */
const rawSignatures = {
  log_debug: text,
  log_info: text,
  log_warn: text,
  log_error: text,
  plugin_log: '(i32, i32, i32) ->',
  check_capability: block,
  get_telemetry: block,
  get_timestamp_us: '() -> i64',
  ...networkSignatures,
} as const satisfies Record<string, Signature>

/** Module `env` of openracing-sdk-1: every function that a plugin that ticks may import. */
export const hostSignatures = {
  ...rawSignatures,
  set_custom_data: four,
  send_message: four,
  receive_message: block,
} as const satisfies Record<string, Signature>

export type HostFunction = keyof typeof hostSignatures

/** What compilers want of a C library, and ask the host for where they link none: plugins built the guides' ways do. */
export const memorySignatures = { memcpy: three, memmove: three, memset: three, memcmp: three, bcmp: three } as const
export type MemoryFunction = keyof typeof memorySignatures

interface Export {
  readonly name: string
  readonly signature: Signature
  readonly optional?: true
}

interface AbiRule {
  exports(names: EntryPoints): readonly Export[]
  /** Module `env`. */
  readonly env: Readonly<Record<string, Signature>>
  /** What it needs beside these exports, in words, and whether a module has it. */
  readonly also?: { readonly needs: string; has(exports: ModuleShape['exports']): boolean }
}

const memory: Export = { name: 'memory', signature: 'memory' }
/** What WASI's compilers put the constructors of a library in: called once, before everything else. */
const constructors: Export = { name: '_initialize', signature: '() ->', optional: true }
const allocator: readonly Export[] = [
  { name: 'alloc', signature: '(i32) -> i32' },
  { name: 'dealloc', signature: text },
]

/**
 * What openracing-env-1 may call its init: the manifest's word for it, which is `initialize` when it has none, or the
 * contract's own.
 */
export const envInitNames = (names: EntryPoints): readonly string[] => [...new Set([names.initialize, 'init'])]

const rules: Readonly<Record<Abi, AbiRule>> = {
  'openracing-env-1': {
    exports: (names) => [
      memory,
      { name: names.process, signature: '(f32, f32) -> f32' },
      ...envInitNames(names).map((name): Export => ({ name, signature: '() -> i32', optional: true })),
      { name: names.shutdown, signature: '() ->', optional: true },
      constructors,
    ],
    env: rawSignatures,
  },
  'openracing-sdk-1': {
    exports: (names) => [
      memory,
      { name: 'openracing_abi', signature: '() -> i32' },
      ...allocator,
      { name: names.initialize, signature: block },
      { name: names.process, signature: four },
      { name: names.shutdown, signature: '() -> i32', optional: true },
      constructors,
    ],
    env: hostSignatures,
  },
  'midimon-action-1': {
    exports: () => [
      memory,
      { name: 'init', signature: '() -> i64' },
      { name: 'execute', signature: block },
      ...allocator,
      constructors,
    ],
    env: { ...memorySignatures, ...networkSignatures },
  },
  'zenith-1': {
    exports: () => [
      memory,
      { name: 'plugin_info', signature: '() -> i32' },
      { name: 'plugin_version', signature: '() -> i32', optional: true },
      { name: 'init', signature: '() -> i32', optional: true },
      { name: 'cleanup', signature: '() ->', optional: true },
      constructors,
    ],
    env: { host_log: text, ...memorySignatures, ...networkSignatures },
    also: {
      needs: `process, or an operation of another name, as ${zenithSignatures.join(' or ')}`,
      has: (exports) => [...exports.values()].some((signature) => zenithFormOf(signature) !== undefined),
    },
  },
}

const invalid = (sentence: string): RigError => new RigError('PLUGIN_INVALID', sentence)

/** Names and signatures that are shown of a module, and characters of each: enough to see what it is. */
const shownMax = 20
const shownCharacters = 64

const shorten = (part: string): string =>
  onOneLine(part.length <= shownCharacters ? part : `${part.slice(0, shownCharacters)}…`)

const show = (name: string, signature: Signature): string =>
  name === signature ? name : `${shorten(name)} ${shorten(signature)}`.trim()

function describe(exports: ModuleShape['exports']): string {
  const shown = [...exports].slice(0, shownMax).map(([name, signature]) => show(name, signature))
  if (exports.size > shownMax) shown.push(`${exports.size - shownMax} more`)
  return shown.length === 0 ? 'nothing' : shown.join('; ')
}

function fits({ exports, also }: AbiRule, shape: ModuleShape, names: EntryPoints): boolean {
  const has = ({ name, signature, optional }: Export): boolean => {
    const found = shape.exports.get(name)
    return found === undefined ? optional === true : found === signature
  }
  return exports(names).every(has) && (also?.has(shape.exports) ?? true)
}

function needsOf(abi: Abi, names: EntryPoints): string {
  const { exports, also } = rules[abi]
  const needs = exports(names).map(
    ({ name, signature, optional }) => show(name, signature) + (optional ? ' (optional)' : ''),
  )
  return `${abi} needs ${[...needs, ...(also === undefined ? [] : [also.needs])].join('; ')}`
}

function recogniseExports(shape: ModuleShape, names: EntryPoints): Abi {
  const abis = Object.keys(rules) as Abi[]
  const [found, ...others] = abis.filter((abi) => fits(rules[abi], shape, names))
  if (found !== undefined && others.length === 0) return found
  const what =
    found === undefined
      ? `matches no ABI: it exports ${describe(shape.exports)}`
      : `matches ${[found, ...others].join(' and ')}, and one plugin has one ABI: it exports ${describe(shape.exports)}`
  const asked = found === undefined ? abis : [found, ...others]
  throw invalid(`the module ${what}; ${asked.map((abi) => needsOf(abi, names)).join('; ')}`)
}

function checkImports(shape: ModuleShape, abi: Abi): void {
  const { env } = rules[abi]
  const hostSignature = (module: string, name: string): Signature | undefined => {
    if (module === 'env' && Object.hasOwn(env, name)) return env[name]
    if (module === wasiModule && Object.hasOwn(wasiSignatures, name)) return wasiSignatures[name as WasiFunction]
    return undefined
  }
  for (const { module, name, signature } of shape.imports) {
    const asked = onOneLine(`${module}.${name}`.slice(0, 128))
    const host = hostSignature(module, name)
    if (host === undefined) {
      throw invalid(
        `the module imports ${asked}, which the host does not have; it has ${Object.keys(env).join(', ')} in env for ${abi}, and WASI preview 1 in ${wasiModule}`,
      )
    }
    if (host !== signature) {
      throw invalid(`the module imports ${asked} as ${shorten(signature)}; the host has it as ${host}`)
    }
  }
}

function checkMemory({ memory, sharesMemory }: ModuleShape): void {
  if (memory === undefined) throw invalid('its export memory is not of its own; define one and export it')
  if (sharesMemory || memory.wide)
    throw invalid('the memory of the module is shared or 64-bit; build it with a plain one')
}

/** A program runs once and ends, and what of its library would still work then nobody knows. */
function checkLibrary({ exports }: ModuleShape, abi: Abi): void {
  if (isTicking(abi) || !exports.has('_start')) return
  throw invalid(
    'the module is a program: it exports _start; build it as a library (clang -mexec-model=reactor, a cdylib in Rust)',
  )
}

export const isTicking = (abi: Abi): abi is TickingAbi => (tickingAbis as readonly Abi[]).includes(abi)

/** Recognises the ABI from exports, imports and memory, never from a name. Throws PLUGIN_INVALID, with what it found. */
export function recogniseAbi(shape: ModuleShape, names: EntryPoints): Abi {
  const abi = recogniseExports(shape, names)
  checkImports(shape, abi)
  checkMemory(shape)
  checkLibrary(shape, abi)
  return abi
}
