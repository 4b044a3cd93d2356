import type { LoadSafePluginRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { invalidField } from '../../rpc/failure.ts'
import { grantsOf, programOf } from './plugin-grants.ts'
import { absolutePath, matching, within } from './request-fields.ts'
import type { Preopen, WasiGrants } from './wasi/grants.ts'

/** What a Safe plugin may be granted. ProcessDsp is never for Safe. */
export const safeCapabilities = [
  'ReadTelemetry',
  'ModifyTelemetry',
  'ControlLeds',
  'FileSystem',
  'Network',
  'InterPluginComm',
] as const
export type SafeCapability = (typeof safeCapabilities)[number]

/** What a Safe plugin may be called for. DspFilter is never for Safe. */
export const safeOperations = ['TelemetryProcessor', 'LedMapper'] as const
export type SafeOperation = (typeof safeOperations)[number]

/** The ceilings of a Safe plugin; the contract's limits. A Safe plugin ticks at 60, 100 or 200 Hz, or is throttled. */
const budgetUsMax = 5000
const memoryBytesMax = 16 << 20
const memoryBytesMin = 65_536 // a page: no memory is smaller
export const rateHzMax = 200

/** Largest configuration, bytes: it is copied into the guest whole. */
const configBytesMax = 65_536

/** A plugin as it is loaded: complete and within bounds. What may change while it runs is in its terms (plugin-terms.ts). */
export interface PluginSpec {
  readonly id: string
  readonly name: string
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
  readonly capabilities: readonly SafeCapability[]
  /** What it asks for openly: these, and those that it was not granted. A call that needs one of them is no violation. */
  readonly requested: readonly SafeCapability[]
  readonly operations: readonly SafeOperation[]
  /** Directories that it may use. */
  readonly fileSystem: readonly Preopen[]
  /** Hosts that it may reach, `host` or `host:port`. */
  readonly network: readonly string[]
  /** What it finds as the arguments and the environment of a program. */
  readonly program: Pick<WasiGrants, 'arguments' | 'environment'>
  /** A JSON object. */
  readonly configJson: string
  /** CPU time of a tick, µs. */
  readonly budgetUs: number
  readonly memoryBytes: number
  /** Its own rate, ticks a second. */
  readonly rateHz: number
  /** The one that it begins with; 0: it is not ticked. */
  readonly initialRateHz: number
  /** The exports that are called. */
  readonly entryPoints: EntryPoints
  /** Place in the order of plugins; lower first, ties by id. */
  readonly order: number
}

export interface EntryPoints {
  readonly process: string
  readonly initialize: string
  readonly shutdown: string
}

function known<T extends string>(field: string, values: readonly string[], names: readonly T[]): readonly T[] {
  for (const value of values) {
    if (!(names as readonly string[]).includes(value)) {
      throw invalidField(field, `has ${JSON.stringify(value)}; a Safe plugin can have ${names.join(', ')}`)
    }
  }
  return names.filter((name) => values.includes(name))
}

/** Throws REQUEST_INVALID. */
export const knownCapabilities = (values: readonly string[]): readonly SafeCapability[] =>
  known('capabilities', values, safeCapabilities)

function configObject(json: string): string {
  if (Buffer.byteLength(json) > configBytesMax) {
    throw invalidField('config_json', `has ${Buffer.byteLength(json)} bytes; send at most ${configBytesMax}`)
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw invalidField('config_json', `is not JSON (${(cause as Error).message}); send a JSON object`, {
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return json
  throw invalidField('config_json', 'is not a JSON object; send {} when there is nothing to configure')
}

/** Checks a request, field by field. Throws REQUEST_INVALID. Empty entry points stand for the usual names. */
export function parseLoadRequest(request: LoadSafePluginRequest): PluginSpec {
  const rateHz = within('update_rate_hz', request.updateRateHz, 1, rateHzMax)
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
  return {
    id: matching('id', request.id, uuid, 'the UUID of the manifest').toLowerCase(),
    name: matching('name', request.name, /^[^\p{Cc}]{1,128}$/u, '1 to 128 characters on one line'),
    path: absolutePath(request.path),
    sha256: matching('sha256', request.sha256, /^[0-9a-f]{64}$/i, '64 hex digits').toLowerCase(),
    capabilities: knownCapabilities(request.capabilities),
    requested: knownCapabilities([...request.capabilities, ...request.ungrantedCapabilities]),
    operations: known('operations', request.operations, safeOperations),
    ...grantsOf(request),
    program: programOf(request),
    configJson: configObject(request.configJson || '{}'),
    budgetUs: within('max_execution_time_us', request.maxExecutionTimeUs, 1, budgetUsMax),
    memoryBytes: within('max_memory_bytes', Number(request.maxMemoryBytes), memoryBytesMin, memoryBytesMax),
    rateHz,
    initialRateHz: within('initial_rate_hz', request.initialRateHz ?? rateHz, 0, rateHz),
    entryPoints: {
      process: request.mainFunction || 'process',
      initialize: request.initFunction || 'initialize',
      shutdown: request.cleanupFunction || 'shutdown',
    },
    order: request.order,
  }
}
