import { telemetryFrame } from '../../gen/layout.ts'
import { envInitNames } from './abi.ts'
import type { PluginCode } from './compile.ts'
import { createCustomData } from './custom-data.ts'
import { loadFuel, loadUs, tickFuel } from './fuel.ts'
import { GuestFault } from './guest-fault.ts'
import type { Instance, InstanceNeeds } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { blindFrame, makeTickingGuest } from './ticking-guest.ts'

/** What the plugin answered, as the contract bounds it. */
const bounded = (answer: number): number => (Number.isFinite(answer) ? Math.min(1, Math.max(-1, answer)) : 0)

/** A plugin of openracing-env-1, initialised. Its one operation is TelemetryProcessor, and it always answers. */
export function instantiateEnv(code: PluginCode, spec: PluginSpec, needs: InstanceNeeds): Instance {
  let seen: Uint8Array = blindFrame
  const view = (): DataView => new DataView(seen.buffer, seen.byteOffset, seen.byteLength)
  const customData = createCustomData()
  const guest = makeTickingGuest(code, spec, { ...needs, telemetry: view, customData })
  const { exports } = guest
  const process = exports[spec.entryPoints.process] as (input: number, seconds: number) => number
  const shutdown = exports[spec.entryPoints.shutdown] as (() => void) | undefined
  const initName = envInitNames(spec.entryPoints).find((name) => exports[name] !== undefined)

  guest.begin(loadFuel(needs.unitsPerUs), loadUs)
  if (initName !== undefined) {
    const result = guest.run(initName, exports[initName] as () => number)
    if (result !== 0) throw new GuestFault({ kind: 'crash', detail: `${initName} returned ${result}, not 0` })
  }

  const noLeds = darkFrame(0)
  let input = 0
  let output = 0
  let lastMs: number | undefined
  return {
    prepare(frame, _, scalar, fuel) {
      seen = frame
      input = scalar ?? view().getFloat32(telemetryFrame.ffb_scalar.offset, true)
      guest.fill(fuel, spec.budgetUs)
    },
    process() {
      const nowMs = needs.now()
      // Before the first call there was none: the time is what it will be.
      const seconds = lastMs === undefined ? 1 / guest.terms().rateHz : (nowMs - lastMs) / 1000
      lastMs = nowMs
      output = bounded(guest.run(spec.entryPoints.process, () => process(input, seconds)))
      return 1
    },
    fuelUsed: guest.used,
    scalar: () => output,
    leds: () => noLeds,
    customData: customData.entries(),
    memoryBytes: () => guest.memory().buffer.byteLength,
    adjust: guest.adjust,
    shutdown() {
      guest.fill(tickFuel(spec.budgetUs, needs.unitsPerUs), spec.budgetUs)
      guest.run(spec.entryPoints.shutdown, () => shutdown?.())
      guest.close()
    },
  }
}
