import type { LoadOnCallPluginRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { hostList, pathList } from './plugin-grants.ts'
import type { EntryPoints } from './plugin-spec.ts'
import { absolutePath, matching, within } from './request-fields.ts'
import type { Preopen } from './wasi/grants.ts'

/** The ceilings of a plugin that is called: MIDIMon's, and for want of others Zenith's. */
const callUsMax = 5_000_000
const memoryBytesMax = 128 << 20
const memoryBytesMin = 65_536 // a page: no memory is smaller

/** Instructions of one call; MIDIMon's, and for want of another number Zenith's. */
export const standardCallFuel = 100_000_000

/** A plugin that runs when somebody asks, as it is to be loaded: complete and within bounds. */
export interface OnCallSpec {
  readonly id: string
  readonly name: string
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
  /** Longest call, ms of any time. */
  readonly deadlineMs: number
  readonly memoryBytes: number
  /** An action's instance stays from call to call. */
  readonly stateful: boolean
  /** Directories that it may use. */
  readonly fileSystem: readonly Preopen[]
  /** Hosts that it may reach, `host` or `host:port`. */
  readonly network: readonly string[]
  /** Its manifest asks for the network, granted or not. */
  readonly isNetworkRequested: boolean
  readonly entryPoints: EntryPoints
}

/** The usual names: its ABIs have their own, and by these one that ticks is recognised as such. */
const entryPoints: EntryPoints = { process: 'process', initialize: 'initialize', shutdown: 'shutdown' }

/** Checks a request, field by field. Throws REQUEST_INVALID. */
export const parseOnCallRequest = (request: LoadOnCallPluginRequest): OnCallSpec => ({
  id: matching('id', request.id, /^[a-z0-9][\w.-]{0,63}$/i, "the plugin's UUID, or its name").toLowerCase(),
  name: matching('name', request.name, /^[^\p{Cc}]{1,128}$/u, '1 to 128 characters on one line'),
  path: absolutePath(request.path),
  sha256: matching('sha256', request.sha256, /^[0-9a-f]{64}$/i, '64 hex digits').toLowerCase(),
  deadlineMs: within('max_execution_time_us', request.maxExecutionTimeUs, 1000, callUsMax) / 1000,
  memoryBytes: within('max_memory_bytes', Number(request.maxMemoryBytes), memoryBytesMin, memoryBytesMax),
  stateful: request.stateful,
  fileSystem: pathList(request.fileSystem),
  network: hostList(request.network),
  isNetworkRequested: request.network.length > 0 || request.ungrantedCapabilities.includes('Network'),
  entryPoints,
})
