import { telemetryFrame } from '../../gen/layout.ts'
import type { HostFunction } from './abi.ts'
import type { CustomData } from './custom-data.ts'
import { bytesAt } from './guest-bytes.ts'
import { type GuestLog, type GuestLogLevel, writeGuestLine } from './guest-log.ts'
import type { GuestNetwork } from './guest-network.ts'
import { priced } from './host-price.ts'
import { hostResult } from './host-result.ts'
import type { PostOffice } from './mailbox.ts'
import { createNetworkImports } from './network-imports.ts'
import type { SafeCapability } from './plugin-spec.ts'

/** The names that `check_capability` takes. */
const capabilityNames: Readonly<Record<string, SafeCapability | 'ProcessDsp'>> = {
  read_telemetry: 'ReadTelemetry',
  modify_telemetry: 'ModifyTelemetry',
  control_leds: 'ControlLeds',
  process_dsp: 'ProcessDsp',
  file_system: 'FileSystem',
  network: 'Network',
  inter_plugin_comm: 'InterPluginComm',
}

const levels: readonly GuestLogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']

/** What get_telemetry writes, bytes. */
const wheelStateBytes = 32

/** What the functions need to know of the plugin that calls them. */
export interface GuestSurroundings extends GuestLog {
  readonly id: string
  /** Those that it has now. */
  capabilities(): readonly SafeCapability[]
  /** As PluginSpec has it. */
  readonly requested: readonly SafeCapability[]
  memory(): WebAssembly.Memory
  /** Takes so much of the guest's fuel; false when there is none left. */
  pay(units: number): boolean
  /** The frame of this tick. */
  telemetry(): DataView
  readonly customData: CustomData
  readonly mail: PostOffice
  readonly network: GuestNetwork
  /** It called what it was not granted. */
  refuse(detail: string): void
}

/** Whether a function may be called that needs this; one that may not is charged, unless the manifest asks for it. */
function isGranted(guest: GuestSurroundings, name: HostFunction, capability: SafeCapability): boolean {
  if (guest.capabilities().includes(capability)) return true
  if (!guest.requested.includes(capability)) guest.refuse(`${name} needs ${capability}, which it was not granted`)
  return false
}

function logFunctions(guest: GuestSurroundings) {
  const write = (level: GuestLogLevel, pointer: number, length: number): void => {
    const bytes = bytesAt(guest, pointer, length)
    if (bytes !== undefined) writeGuestLine(guest, level, bytes)
  }
  return {
    log_debug: (pointer: number, length: number) => write('debug', pointer, length),
    log_info: (pointer: number, length: number) => write('info', pointer, length),
    log_warn: (pointer: number, length: number) => write('warn', pointer, length),
    log_error: (pointer: number, length: number) => write('error', pointer, length),
    plugin_log: (level: number, pointer: number, length: number) => write(levels[level] ?? 'info', pointer, length),
  }
}

function checkCapability(guest: GuestSurroundings, pointer: number, length: number): number {
  const bytes = bytesAt(guest, pointer, length)
  if (bytes === undefined || bytes.length > 32) return hostResult.invalidArgument
  const name = Buffer.from(bytes).toString('latin1')
  if (!Object.hasOwn(capabilityNames, name)) return hostResult.invalidArgument
  return (guest.capabilities() as readonly string[]).includes(capabilityNames[name] ?? '')
    ? 1
    : hostResult.permissionDenied
}

/**
 * Writes the 32 bytes of the raw ABI. The wheel's angle comes from the telemetry; its speed, temperature and faults
 * are the device's, which this process does not see: 0, as every field that is not known.
 */
function getTelemetry(guest: GuestSurroundings, pointer: number, length: number): number {
  if (!isGranted(guest, 'get_telemetry', 'ReadTelemetry')) return hostResult.permissionDenied
  const bytes = bytesAt(guest, pointer, length)
  if (bytes === undefined) return hostResult.invalidArgument
  if (length < wheelStateBytes) return hostResult.bufferTooSmall
  const frame = guest.telemetry()
  const state = new DataView(bytes.buffer, bytes.byteOffset, wheelStateBytes)
  bytes.fill(0, 0, wheelStateBytes)
  state.setBigUint64(0, frame.getBigUint64(telemetryFrame.timestamp_us.offset, true), true)
  state.setFloat32(8, frame.getFloat32(telemetryFrame.steering_angle.offset, true) * (180 / Math.PI), true)
  return hostResult.ok
}

function setCustomData(guest: GuestSurroundings, key: Uint8Array | undefined, json: Uint8Array | undefined): number {
  if (!isGranted(guest, 'set_custom_data', 'ModifyTelemetry')) return hostResult.permissionDenied
  if (key === undefined || json === undefined) return hostResult.invalidArgument
  return guest.customData.set(key, json) ? hostResult.ok : hostResult.invalidArgument
}

function sendMessage(guest: GuestSurroundings, to: Uint8Array | undefined, message: Uint8Array | undefined): number {
  if (!isGranted(guest, 'send_message', 'InterPluginComm')) return hostResult.permissionDenied
  // An empty message could not be told from none at the other end.
  if (to === undefined || to.length > 64 || message === undefined || message.length === 0) {
    return hostResult.invalidArgument
  }
  const id = Buffer.from(to).toString('latin1').toLowerCase()
  return guest.mail.send(id, message) ? hostResult.ok : hostResult.error
}

function receiveMessage(guest: GuestSurroundings, target: Uint8Array | undefined): number {
  if (!isGranted(guest, 'receive_message', 'InterPluginComm')) return hostResult.permissionDenied
  if (target === undefined) return hostResult.invalidArgument
  const message = guest.mail.peek(guest.id)
  if (message === undefined) return 0
  if (message.length > target.length) return hostResult.bufferTooSmall
  target.set(message)
  guest.mail.take(guest.id)
  return message.length
}

/**
 * Module `env` for one instance. No function throws: a pointer that leaves the guest's memory is -2, what was not
 * granted is -3, and a log line that cannot be read is not written. Each call is paid for with fuel.
 */
export function createHostImports(guest: GuestSurroundings): Record<HostFunction, WebAssembly.ImportFunction> {
  const createdMs = guest.now()
  return priced(guest, {
    ...logFunctions(guest),
    ...createNetworkImports(guest, guest.network),
    check_capability: (pointer: number, length: number) => checkCapability(guest, pointer, length),
    get_telemetry: (pointer: number, length: number) => getTelemetry(guest, pointer, length),
    get_timestamp_us: () => BigInt(Math.floor((guest.now() - createdMs) * 1000)),
    set_custom_data: (key: number, keyLength: number, json: number, jsonLength: number) =>
      setCustomData(guest, bytesAt(guest, key, keyLength), bytesAt(guest, json, jsonLength)),
    send_message: (to: number, toLength: number, message: number, length: number) =>
      sendMessage(guest, bytesAt(guest, to, toLength), bytesAt(guest, message, length)),
    receive_message: (pointer: number, length: number) => receiveMessage(guest, bytesAt(guest, pointer, length)),
  })
}
