import { telemetryFrameBytes } from '../../gen/layout.ts'
import type { PluginCode } from './compile.ts'
import type { CustomData } from './custom-data.ts'
import { makeGuest } from './guest.ts'
import { createLineAllowance, type GuestLog, writeGuestLine } from './guest-log.ts'
import { createGuestNetwork } from './guest-network.ts'
import { createHostImports } from './host-imports.ts'
import type { InstanceNeeds } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms, type PluginTerms } from './plugin-terms.ts'
import { createRefusals } from './refusals.ts'

/** What a plugin sees that sees no telemetry, or none yet. */
export const blindFrame = new Uint8Array(telemetryFrameBytes)

interface TickingNeeds extends Omit<InstanceNeeds, 'unitsPerUs'> {
  /** The frame of this tick. */
  telemetry(): DataView
  readonly customData: CustomData
}

interface TickingGuest extends ReturnType<typeof makeGuest> {
  /** Those that it runs on now. */
  terms(): PluginTerms
  /** Between calls: it runs on these from the next one on. */
  adjust(terms: PluginTerms): void
}

/** A guest with the host functions of plugins that tick, and the files that it is granted. */
export function makeTickingGuest(
  code: PluginCode,
  spec: PluginSpec,
  { telemetry, customData, mail, log, now, guard, network, charge, terms: first = firstTerms(spec) }: TickingNeeds,
): TickingGuest {
  const { id, fileSystem, program, requested } = spec
  let terms = first
  const guestLog: GuestLog = { lines: createLineAllowance(now()), log, now }
  const refuse = createRefusals(now, charge)
  const own = createGuestNetwork({
    ...{ thread: network.thread, tell: network.tell, now, refuse },
    grant: { hosts: terms.network, room: network.room, isRequested: requested.includes('Network') },
    warn: (sentence) => writeGuestLine(guestLog, 'warn', Buffer.from(sentence)),
  })
  const capabilities = (): PluginTerms['capabilities'] => terms.capabilities
  const surroundings = { ...guestLog, id, capabilities, requested, telemetry, customData, mail, network: own, refuse }
  const guest = makeGuest(code, {
    log: guestLog,
    guard,
    // All that it was loaded with, so that each has the same number in every instance; what is withdrawn now, is then closed.
    grants: { ...program, preopens: fileSystem },
    env: (side) => createHostImports({ ...side, ...surroundings }),
    ended: own.end,
  })
  guest.grantFiles(terms.fileSystem)
  return {
    ...guest,
    terms: () => terms,
    adjust(next) {
      terms = next
      own.grant(next.network)
      guest.grantFiles(next.fileSystem)
    },
  }
}
