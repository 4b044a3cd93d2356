import { closeSync, constants, openSync, readSync } from 'node:fs'
import {
  endKinds,
  pluginEnd as endLayout,
  pluginReport as layout,
  pluginPhases,
  pluginReportBytes,
  pluginSegmentMagic,
  rigVersion,
} from '../gen/layout.ts'

export type PluginPhase = (typeof pluginPhases)[number]

/** What a plugin's process wrote about its own end. */
export interface ReportedEnd {
  readonly kind: (typeof endKinds)[number]
  /** Of the signal or the system call; 0 for the input ring, 1 for the output ring. */
  readonly number: number
  /** Of the instruction. */
  readonly address: bigint
  /** The address that was used, the call's first argument, or CPU time in ns, or a count in a ring: as the kind says. */
  readonly value: bigint
  readonly phase: PluginPhase
  readonly sequence: number
  /** Nearest exported symbol; may be empty. */
  readonly symbol: string
}

/**
 * What a plugin's process says of itself. The plugin can write here too: all of it may be made up, and is bounded,
 * printable, and evidence against that plugin at most.
 */
export interface PluginReport {
  readonly end: ReportedEnd
  readonly phase: PluginPhase
  /** Of the newest frame that it was given. */
  readonly sequence: number
  readonly memoryBytes: bigint
  readonly memoryMax: bigint
  readonly memoryRefused: bigint
  /** During process(). */
  readonly allocations: bigint
}

/** The text before the first NUL, with a question mark for every byte that is not printable ASCII. */
export const printable = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return bytes
    .toString('latin1', 0, end < 0 ? bytes.length : end)
    .replaceAll(/[^ -~]/g, '?')
    .trim()
}

const phaseOf = (number: number): PluginPhase => pluginPhases[number] ?? 'idle'

function readEnd(bytes: Buffer): ReportedEnd {
  const symbol = bytes.subarray(endLayout.symbol.offset, endLayout.symbol.offset + endLayout.symbol.bytes)
  return {
    kind: endKinds[bytes.readUInt32LE(endLayout.kind.offset)] ?? 'none',
    number: bytes.readInt32LE(endLayout.number.offset),
    address: bytes.readBigUInt64LE(endLayout.address.offset),
    value: bytes.readBigUInt64LE(endLayout.value.offset),
    phase: phaseOf(bytes.readUInt32LE(endLayout.phase.offset)),
    sequence: bytes.readUInt32LE(endLayout.sequence.offset),
    symbol: printable(symbol),
  }
}

/** Understands a PluginReport; undefined when it is none of this version. */
export function decodePluginReport(bytes: Buffer): PluginReport | undefined {
  if (bytes.length < pluginReportBytes) return undefined
  if (bytes.readUInt32LE(layout.magic.offset) !== pluginSegmentMagic) return undefined
  if (bytes.readUInt32LE(layout.version.offset) !== rigVersion) return undefined
  return {
    end: readEnd(bytes.subarray(layout.end.offset, layout.end.offset + layout.end.bytes)),
    phase: phaseOf(bytes.readUInt32LE(layout.phase.offset)),
    sequence: bytes.readUInt32LE(layout.sequence.offset),
    memoryBytes: bytes.readBigUInt64LE(layout.memory_bytes.offset),
    memoryMax: bytes.readBigUInt64LE(layout.memory_max.offset),
    memoryRefused: bytes.readBigUInt64LE(layout.memory_refused.offset),
    allocations: bytes.readBigUInt64LE(layout.allocations.offset),
  }
}

/**
 * Reads the report in a plugin's segment; undefined when there is none, and when the plugin cut the file so short that no
 * whole report is left. It is read, not mapped: one look at a file that is about to be removed.
 */
export function readPluginReport(path: string): PluginReport | undefined {
  const bytes = Buffer.alloc(pluginReportBytes)
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return decodePluginReport(bytes.subarray(0, readSync(file, bytes)))
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
