import { ledFrameBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { sdkAbiVersion } from './abi.ts'
import type { PluginCode } from './compile.ts'
import { createCustomData } from './custom-data.ts'
import { loadFuel, tickFuel } from './fuel.ts'
import { type Guest, makeGuest } from './guest.ts'
import { GuestFault } from './guest-fault.ts'
import { createLineAllowance, type GuestLog, type GuestLogLevel } from './guest-log.ts'
import { createHostImports } from './host-imports.ts'
import type { PostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { nothingGranted } from './wasi/grants.ts'

/** What `process` is asked for. */
export const operationCode = { TelemetryProcessor: 0, LedMapper: 1 } as const
export type OperationCode = (typeof operationCode)[keyof typeof operationCode]

/** What a plugin sees that sees no telemetry, or none yet. */
export const blindFrame = new Uint8Array(telemetryFrameBytes)

/** Bytes of the contract's Context. */
const contextBytes = 16

/** What an instance needs from the host. */
export interface InstanceNeeds {
  /** Units of fuel a µs of this machine. */
  readonly unitsPerUs: number
  readonly mail: PostOffice
  log(level: GuestLogLevel, line: string): void
  /** Monotonic, ms. */
  now(): number
}

/** One plugin's code with its state. Whatever throws a GuestFault is the guest's doing, and the instance of no more use. */
export interface Instance {
  /**
   * Copies a tick's telemetry (256 bytes) and LEDs (208 bytes) into the guest, and gives it the fuel of the whole tick;
   * once a tick. `scalar`, where given, takes the place of the telemetry's own force scalar. The telemetry stays the
   * caller's, and as it is until the tick is over.
   */
  prepare(telemetry: Uint8Array, leds: Uint8Array, scalar: number | undefined, fuel: number): void
  /**
   * Calls the guest: 0 unchanged, 1 changed, negative when it failed. Throws when it trapped or ran out of fuel; then the
   * instance is at its end, and what it has open is closed.
   */
  process(operation: OperationCode): number
  /** Units of fuel that this tick used so far; more than it was given when it ran out. */
  fuelUsed(): number
  /** The force scalar in the guest's frame. */
  scalar(): number
  /** A copy of the guest's LED frame. */
  leds(): Uint8Array
  readonly customData: ReadonlyMap<string, string>
  /** Calls the guest's shutdown, if it has one. */
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
}

function namedExports({ exports }: Guest, { entryPoints }: PluginSpec): Exports {
  const { memory, openracing_abi, alloc, dealloc } = exports
  return {
    ...{ memory, openracing_abi, alloc, dealloc },
    initialize: exports[entryPoints.initialize],
    process: exports[entryPoints.process],
    shutdown: exports[entryPoints.shutdown],
  } as unknown as Exports
}

const broken = (detail: string): GuestFault => new GuestFault({ kind: 'crash', detail })

function allocate(guest: Exports, bytes: number): number {
  const pointer = guest.alloc(bytes) >>> 0
  if (pointer !== 0 && pointer + bytes <= guest.memory.buffer.byteLength) return pointer
  throw broken(`alloc(${bytes}) returned ${pointer}, which is not inside its memory`)
}

function initialize(guest: Exports, configJson: string): void {
  const version = guest.openracing_abi()
  if (version !== sdkAbiVersion) throw broken(`openracing_abi() returned ${version}, and the host has ${sdkAbiVersion}`)
  const json = Buffer.from(configJson)
  const pointer = allocate(guest, json.length)
  new Uint8Array(guest.memory.buffer).set(json, pointer)
  const result = guest.initialize(pointer, json.length)
  guest.dealloc(pointer, json.length)
  if (result < 0) throw broken(`initialize returned ${result}`)
}

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
    /** Views of the whole memory, as it is now: when it grew, the old ones are detached, and empty. */
    views() {
      if (bytes.length === 0) {
        view = new DataView(guest.memory.buffer)
        bytes = new Uint8Array(guest.memory.buffer)
      }
      return { view, bytes }
    },
  }
}

/** Instantiates and initialises a plugin whose ABI was recognised. Throws a GuestFault when its code does not agree. */
export function instantiate(code: PluginCode, spec: PluginSpec, needs: InstanceNeeds): Instance {
  let seen: Uint8Array = blindFrame
  const customData = createCustomData()
  const log: GuestLog = { lines: createLineAllowance(needs.now()), log: needs.log, now: needs.now }
  const guest = makeGuest(code, {
    log,
    grants: { ...nothingGranted, preopens: spec.fileSystem },
    env: (side) =>
      createHostImports({
        ...side,
        ...log,
        id: spec.id,
        capabilities: spec.capabilities,
        telemetry: () => new DataView(seen.buffer, seen.byteOffset, seen.byteLength),
        customData,
        mail: needs.mail,
      }),
  })
  const exports = namedExports(guest, spec)

  guest.begin(loadFuel(needs.unitsPerUs))
  guest.run('initialize', () => initialize(exports, spec.configJson))
  const buffers = guest.run('alloc', () => allocateBuffers(exports))

  const { at } = buffers
  let frameNumber = 0
  return {
    prepare(frame, leds, scalar, fuel) {
      seen = frame
      const { bytes, view } = buffers.views()
      bytes.set(frame, at.telemetry)
      bytes.set(leds, at.leds)
      if (scalar !== undefined) view.setFloat32(at.telemetry + telemetryFrame.ffb_scalar.offset, scalar, true)
      frameNumber++ // in two halves: no garbage, and exact for a million years
      view.setUint32(at.context, frameNumber, true)
      view.setUint32(at.context + 4, frameNumber / 2 ** 32, true)
      view.setUint32(at.context + 8, spec.budgetUs, true)
      view.setUint32(at.context + 12, spec.rateHz, true)
      guest.fill(fuel)
    },
    process: (operation) => guest.run('process', () => exports.process(operation, at.telemetry, at.context, at.leds)),
    fuelUsed: guest.used,
    scalar: () => buffers.views().view.getFloat32(at.telemetry + telemetryFrame.ffb_scalar.offset, true),
    leds: () => buffers.views().bytes.slice(at.leds, at.leds + ledFrameBytes),
    customData: customData.entries(),
    shutdown() {
      guest.fill(tickFuel(spec.budgetUs, needs.unitsPerUs))
      guest.run('shutdown', () => exports.shutdown?.())
      guest.close()
    },
  }
}
