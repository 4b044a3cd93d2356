import { ledFrameBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import { realtimeNanoseconds } from '../../shm/clock.ts'
import { sdkAbiVersion } from './abi.ts'
import { createCustomData } from './custom-data.ts'
import { createLineAllowance, type GuestLog, type GuestLogLevel, writeGuestLine } from './guest-log.ts'
import { createHostImports } from './host-imports.ts'
import type { PostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { wasiModule } from './wasi/signatures.ts'
import { createWasi, type Wasi } from './wasi/wasi.ts'

/** What `process` is asked for. */
export const operationCode = { TelemetryProcessor: 0, LedMapper: 1 } as const
export type OperationCode = (typeof operationCode)[keyof typeof operationCode]

/** Bytes of the contract's Context. */
const contextBytes = 16

/** What an instance needs from the host. */
export interface InstanceNeeds {
  readonly mail: PostOffice
  log(level: GuestLogLevel, line: string): void
  /** Monotonic, ms. */
  now(): number
}

/** One plugin's code with its state. Whatever throws in here is the guest's doing, and the instance is of no more use. */
export interface Instance {
  /**
   * Copies a tick's telemetry (256 bytes) and LEDs (208 bytes) into the guest; once a tick. `scalar`, where given,
   * takes the place of the telemetry's own force scalar.
   */
  prepare(telemetry: Uint8Array, leds: Uint8Array, scalar: number | undefined): void
  /**
   * Calls the guest: 0 unchanged, 1 changed, negative when it failed. Throws when it trapped or outgrew its memory; then
   * the instance is at its end, and what it has open is closed.
   */
  process(operation: OperationCode): number
  /** The force scalar in the guest's frame. */
  scalar(): number
  /** A copy of the guest's LED frame. */
  leds(): Uint8Array
  readonly customData: ReadonlyMap<string, string>
  /** Calls the guest's shutdown, if it has one, and closes what it has open. The end of the instance. */
  shutdown(): void
}

/** The exports of openracing-sdk-1; abi.ts has checked their signatures. */
interface Exports {
  readonly memory: WebAssembly.Memory
  openracing_abi(): number
  alloc(size: number): number
  dealloc(pointer: number, size: number): void
  initialize(json: number, length: number): number
  process(operation: number, telemetry: number, context: number, leds: number): number
  shutdown?(): number
  _initialize?(): void
}

function namedExports(instance: WebAssembly.Instance, { entryPoints }: PluginSpec): Exports {
  const { exports } = instance
  return {
    ...exports,
    initialize: exports[entryPoints.initialize],
    process: exports[entryPoints.process],
    shutdown: exports[entryPoints.shutdown],
  } as unknown as Exports
}

function allocate(guest: Exports, bytes: number): number {
  const pointer = guest.alloc(bytes) >>> 0
  if (pointer !== 0 && pointer + bytes <= guest.memory.buffer.byteLength) return pointer
  throw new Error(`alloc(${bytes}) returned ${pointer}, which is not inside its memory`)
}

function initialize(guest: Exports, configJson: string): void {
  const version = guest.openracing_abi()
  if (version !== sdkAbiVersion)
    throw new Error(`openracing_abi() returned ${version}, and the host has ${sdkAbiVersion}`)
  const json = Buffer.from(configJson)
  const pointer = allocate(guest, json.length)
  new Uint8Array(guest.memory.buffer).set(json, pointer)
  const result = guest.initialize(pointer, json.length)
  guest.dealloc(pointer, json.length)
  if (result < 0) throw new Error(`initialize returned ${result}`)
}

function checkMemory(guest: Exports, spec: PluginSpec): void {
  const bytes = guest.memory.buffer.byteLength
  if (bytes > spec.memoryBytes) throw new Error(`its memory grew to ${bytes} bytes, more than ${spec.memoryBytes}`)
}

/** What went wrong in a guest, in a few words. */
export const guestFault = (cause: unknown): string => (cause instanceof Error ? cause.message : 'it threw an exception')

/** The buffers that the host and one guest exchange, allocated by the guest once. */
function allocateBuffers(guest: Exports) {
  const at = {
    telemetry: allocate(guest, telemetryFrameBytes),
    context: allocate(guest, contextBytes),
    leds: allocate(guest, ledFrameBytes),
  }
  let view = new DataView(guest.memory.buffer)
  let bytes = new Uint8Array(guest.memory.buffer)
  return {
    at,
    /** Views of the whole memory, as it is now: when it grew, the old ones are detached. */
    views() {
      if (view.buffer !== guest.memory.buffer) {
        view = new DataView(guest.memory.buffer)
        bytes = new Uint8Array(guest.memory.buffer)
      }
      return { view, bytes }
    },
  }
}

/**
 * WASI for an instance; its lines count with those of the other functions. Keep `close` and not the rest: of the imports,
 * the instance itself holds those that its module has.
 */
function openWasi(spec: PluginSpec, guest: GuestLog, memory: () => WebAssembly.Memory | undefined): Wasi {
  return createWasi(
    { preopens: spec.fileSystem, arguments: [], environment: {} },
    {
      memory,
      pay: () => true,
      writeLine: (level, line) => writeGuestLine(guest, level, line),
      realtimeNs: realtimeNanoseconds,
      monotonicNs: () => BigInt(Math.floor(guest.now() * 1e6)),
    },
  )
}

function begin(module: WebAssembly.Module, spec: PluginSpec, needs: InstanceNeeds) {
  const telemetry = new Uint8Array(telemetryFrameBytes)
  const telemetryView = new DataView(telemetry.buffer)
  const customData = createCustomData()
  const memory = (): WebAssembly.Memory | undefined => guest?.memory
  const lines = createLineAllowance(needs.now())
  const { log, now, mail } = needs
  const surroundings = { telemetry: () => telemetryView, customData, mail, lines, log, now }
  const env = createHostImports({ id: spec.id, capabilities: spec.capabilities, memory, ...surroundings })
  const { imports, close } = openWasi(spec, surroundings, memory)
  let guest: Exports | undefined
  try {
    guest = namedExports(new WebAssembly.Instance(module, { env, [wasiModule]: imports }), spec)
    guest._initialize?.()
    initialize(guest, spec.configJson)
    const buffers = allocateBuffers(guest)
    checkMemory(guest, spec)
    return { guest, telemetry, customData, buffers, close }
  } catch (cause) {
    close()
    throw cause
  }
}

/** Instantiates and initialises a plugin whose ABI was recognised. Throws PLUGIN_FAILED when its code does not agree. */
export function instantiate(module: WebAssembly.Module, spec: PluginSpec, needs: InstanceNeeds): Instance {
  let begun: ReturnType<typeof begin>
  try {
    begun = begin(module, spec, needs)
  } catch (cause) {
    throw new RigError('PLUGIN_FAILED', `${spec.name} did not start (${guestFault(cause)}); ask its author`, { cause })
  }
  const { guest, telemetry, customData, buffers, close } = begun
  const { at } = buffers
  let frameNumber = 0n
  return {
    prepare(frame, leds, scalar) {
      telemetry.set(frame)
      const { bytes, view } = buffers.views()
      bytes.set(frame, at.telemetry)
      bytes.set(leds, at.leds)
      if (scalar !== undefined) view.setFloat32(at.telemetry + telemetryFrame.ffb_scalar.offset, scalar, true)
      view.setBigUint64(at.context, ++frameNumber, true)
      view.setUint32(at.context + 8, spec.budgetUs, true)
      view.setUint32(at.context + 12, spec.rateHz, true)
    },
    process(operation) {
      try {
        const result = guest.process(operation, at.telemetry, at.context, at.leds)
        checkMemory(guest, spec)
        return result
      } catch (cause) {
        close() // nobody calls an instance again that threw
        throw cause
      }
    },
    scalar: () => buffers.views().view.getFloat32(at.telemetry + telemetryFrame.ffb_scalar.offset, true),
    leds: () => buffers.views().bytes.slice(at.leds, at.leds + ledFrameBytes),
    customData: customData.entries(),
    shutdown() {
      try {
        guest.shutdown?.()
      } finally {
        close()
      }
    },
  }
}
