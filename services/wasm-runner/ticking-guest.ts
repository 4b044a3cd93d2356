import { telemetryFrameBytes } from '../../gen/layout.ts'
import type { PluginCode } from './compile.ts'
import type { CustomData } from './custom-data.ts'
import { makeGuest } from './guest.ts'
import { createLineAllowance, type GuestLog, writeGuestLine } from './guest-log.ts'
import { createGuestNetwork } from './guest-network.ts'
import { createHostImports } from './host-imports.ts'
import type { InstanceNeeds } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { createRefusals } from './refusals.ts'

/** What a plugin sees that sees no telemetry, or none yet. */
export const blindFrame = new Uint8Array(telemetryFrameBytes)

interface TickingNeeds extends Omit<InstanceNeeds, 'unitsPerUs'> {
  /** The frame of this tick. */
  telemetry(): DataView
  readonly customData: CustomData
}

/** A guest with the host functions of plugins that tick, and the files that it was granted. */
export function makeTickingGuest(
  code: PluginCode,
  { id, capabilities, fileSystem, program, network: hosts }: PluginSpec,
  { telemetry, customData, mail, log, now, guard, network, charge }: TickingNeeds,
): ReturnType<typeof makeGuest> {
  const guestLog: GuestLog = { lines: createLineAllowance(now()), log, now }
  const refuse = createRefusals(now, charge)
  const own = createGuestNetwork({
    ...{ grant: { hosts, room: network.room }, thread: network.thread, tell: network.tell, now, refuse },
    warn: (sentence) => writeGuestLine(guestLog, 'warn', Buffer.from(sentence)),
  })
  const surroundings = { ...guestLog, id, capabilities, telemetry, customData, mail, network: own, refuse }
  return makeGuest(code, {
    log: guestLog,
    guard,
    grants: { ...program, preopens: fileSystem },
    env: (side) => createHostImports({ ...side, ...surroundings }),
    ended: own.end,
  })
}
