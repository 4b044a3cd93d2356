import { telemetryFrameBytes } from '../../gen/layout.ts'
import type { PluginCode } from './compile.ts'
import type { CustomData } from './custom-data.ts'
import { makeGuest } from './guest.ts'
import { createLineAllowance, type GuestLog } from './guest-log.ts'
import { createHostImports } from './host-imports.ts'
import type { InstanceNeeds } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { nothingGranted } from './wasi/grants.ts'

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
  { id, capabilities, fileSystem }: PluginSpec,
  { telemetry, customData, mail, log, now, guard }: TickingNeeds,
): ReturnType<typeof makeGuest> {
  const guestLog: GuestLog = { lines: createLineAllowance(now()), log, now }
  return makeGuest(code, {
    log: guestLog,
    guard,
    grants: { ...nothingGranted, preopens: fileSystem },
    env: (side) => createHostImports({ ...side, ...guestLog, id, capabilities, telemetry, customData, mail }),
  })
}
