import { ledFrameBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { sdkAbiVersion } from './abi.ts'
import type { PluginCode } from './compile.ts'
import { createCustomData } from './custom-data.ts'
import { loadFuel, loadUs, tickFuel } from './fuel.ts'
import type { Guest } from './guest.ts'
import { GuestFault } from './guest-fault.ts'
import type { Instance, InstanceNeeds } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { blindFrame, makeTickingGuest } from './ticking-guest.ts'

/** Bytes of the contract's Context. */
const contextBytes = 16

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

function initialize(guest: Exports, json: Uint8Array): void {
  const version = guest.openracing_abi()
  if (version !== sdkAbiVersion) throw broken(`openracing_abi() returned ${version}, and the host has ${sdkAbiVersion}`)
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

/** A plugin of openracing-sdk-1, initialised. */
export function instantiateSdk(code: PluginCode, spec: PluginSpec, needs: InstanceNeeds): Instance {
  let seen: Uint8Array = blindFrame
  const customData = createCustomData()
  const guest = makeTickingGuest(code, spec, {
    ...needs,
    telemetry: () => new DataView(seen.buffer, seen.byteOffset, seen.byteLength),
    customData,
  })
  const exports = namedExports(guest, spec)

  guest.begin(loadFuel(needs.unitsPerUs), loadUs)
  const json = Buffer.from(spec.configJson)
  guest.run('initialize', () => initialize(exports, json))
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
      view.setUint32(at.context + 12, guest.terms().rateHz, true)
      guest.fill(fuel, spec.budgetUs)
    },
    process: (operation) => guest.run('process', () => exports.process(operation, at.telemetry, at.context, at.leds)),
    fuelUsed: guest.used,
    scalar: () => buffers.views().view.getFloat32(at.telemetry + telemetryFrame.ffb_scalar.offset, true),
    leds: () => buffers.views().bytes.slice(at.leds, at.leds + ledFrameBytes),
    customData: customData.entries(),
    memoryBytes: () => exports.memory.buffer.byteLength,
    adjust: guest.adjust,
    shutdown() {
      guest.fill(tickFuel(spec.budgetUs, needs.unitsPerUs), spec.budgetUs)
      guest.run('shutdown', () => exports.shutdown?.())
      guest.close()
    },
  }
}
