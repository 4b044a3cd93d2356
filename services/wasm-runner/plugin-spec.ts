import { isAbsolute } from 'node:path'
import { type LoadSafePluginRequest, PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { placeOf } from '../../network/listed-hosts.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Preopen } from './wasi/grants.ts'

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
const rateHzMax = 200

/** Largest configuration, bytes: it is copied into the guest whole. */
const configBytesMax = 65_536

/** A plugin as it is to run: complete and within bounds. */
export interface PluginSpec {
  readonly id: string
  readonly name: string
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
  readonly capabilities: readonly SafeCapability[]
  readonly operations: readonly SafeOperation[]
  /** Directories that it may use. */
  readonly fileSystem: readonly Preopen[]
  /** Hosts that it may reach, `host` or `host:port`. */
  readonly network: readonly string[]
  /** A JSON object. */
  readonly configJson: string
  /** CPU time of a tick, µs. */
  readonly budgetUs: number
  readonly memoryBytes: number
  readonly rateHz: number
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

const invalid = (sentence: string): RigError => new RigError('REQUEST_INVALID', sentence)

/** The checks of single fields; each throws REQUEST_INVALID. */
export function matching(field: string, value: string, pattern: RegExp, remedy: string): string {
  if (pattern.test(value)) return value
  throw invalid(`${field} is ${JSON.stringify(value.slice(0, 64))}; send ${remedy}`)
}

export function within(field: string, value: number, minimum: number, maximum: number): number {
  if (value >= minimum && value <= maximum) return value
  throw invalid(`${field} is ${value}; send ${minimum} to ${maximum}`)
}

function known<T extends string>(field: string, values: readonly string[], names: readonly T[]): readonly T[] {
  for (const value of values) {
    if (!(names as readonly string[]).includes(value)) {
      throw invalid(`${field} has ${JSON.stringify(value)}; a Safe plugin can have ${names.join(', ')}`)
    }
  }
  return names.filter((name) => values.includes(name))
}

function configObject(json: string): string {
  if (Buffer.byteLength(json) > configBytesMax) {
    throw invalid(`config_json has ${Buffer.byteLength(json)} bytes; send at most ${configBytesMax}`)
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new RigError('REQUEST_INVALID', `config_json is not JSON (${(cause as Error).message}); send a JSON object`, {
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return json
  throw invalid('config_json is not a JSON object; send {} when there is nothing to configure')
}

export function absolutePath(path: string): string {
  if (isAbsolute(path) && !path.includes('\0')) return path
  throw invalid(`path is ${JSON.stringify(path.slice(0, 256))}; send the absolute path of the verified module`)
}

/** Directories of one plugin; the manifest's bound. */
const pathsMax = 64

const accessOf: Readonly<Record<PathAccess, Preopen['access'] | undefined>> = {
  [PathAccess.PATH_ACCESS_UNSPECIFIED]: undefined,
  [PathAccess.PATH_ACCESS_READ]: 'read',
  [PathAccess.PATH_ACCESS_READ_WRITE]: 'read_write',
}

function preopenOf({ name, path, access }: PathGrant, index: number): Preopen {
  const field = `file_system[${index}]`
  const known = accessOf[access]
  if (known === undefined)
    throw invalid(`${field}.access is ${access}; send PATH_ACCESS_READ or PATH_ACCESS_READ_WRITE`)
  return {
    name: matching(`${field}.name`, name, /^[^\p{Cc}]{1,1024}$/u, 'the path as the manifest lists it'),
    path: matching(`${field}.path`, path, /^\/[^\0]{0,4095}$/, 'an absolute path'),
    access: known,
  }
}

/** Paths without the capability are a contradiction, and no grant. */
function fileSystem({ fileSystem, capabilities }: LoadSafePluginRequest): readonly Preopen[] {
  within('the number of paths in file_system', fileSystem.length, 0, pathsMax)
  if (fileSystem.length > 0 && !capabilities.includes('FileSystem')) {
    throw invalid('file_system lists paths and capabilities has no FileSystem; send both or neither')
  }
  return fileSystem.map(preopenOf)
}

/** Hosts of one plugin; the manifest's bound. */
const hostsMax = 64

/** The list of a manifest; what is on it the host checks again. */
export function hostList(hosts: readonly string[]): readonly string[] {
  within('the number of hosts in network', hosts.length, 0, hostsMax)
  const unknown = hosts.findIndex((host) => placeOf(host) === undefined)
  if (unknown < 0) return hosts
  throw invalid(`network[${unknown}] is ${JSON.stringify(hosts[unknown]?.slice(0, 64))}; send a host or host:port`)
}

/** Hosts without the capability are a contradiction, and no grant. */
function network({ network: hosts, capabilities }: LoadSafePluginRequest): readonly string[] {
  if (hosts.length > 0 && !capabilities.includes('Network')) {
    throw invalid('network lists hosts and capabilities has no Network; send both or neither')
  }
  return hostList(hosts)
}

/** Checks a request, field by field. Throws REQUEST_INVALID. Empty entry points stand for the usual names. */
export function parseLoadRequest(request: LoadSafePluginRequest): PluginSpec {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
  return {
    id: matching('id', request.id, uuid, 'the UUID of the manifest').toLowerCase(),
    name: matching('name', request.name, /^[^\p{Cc}]{1,128}$/u, '1 to 128 characters on one line'),
    path: absolutePath(request.path),
    sha256: matching('sha256', request.sha256, /^[0-9a-f]{64}$/i, '64 hex digits').toLowerCase(),
    capabilities: known('capabilities', request.capabilities, safeCapabilities),
    operations: known('operations', request.operations, safeOperations),
    fileSystem: fileSystem(request),
    network: network(request),
    configJson: configObject(request.configJson || '{}'),
    budgetUs: within('max_execution_time_us', request.maxExecutionTimeUs, 1, budgetUsMax),
    memoryBytes: within('max_memory_bytes', Number(request.maxMemoryBytes), memoryBytesMin, memoryBytesMax),
    rateHz: within('update_rate_hz', request.updateRateHz, 1, rateHzMax),
    entryPoints: {
      process: request.mainFunction || 'process',
      initialize: request.initFunction || 'initialize',
      shutdown: request.cleanupFunction || 'shutdown',
    },
    order: request.order,
  }
}
