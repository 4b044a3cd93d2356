import { telemetryFrameBytes } from '../../gen/layout.ts'
import type { ForcePipeline } from './force-pipeline.ts'
import { guestFault, operationCode } from './instance.ts'
import type { TickEntry } from './ledger.ts'
import type { PulseWriter } from './pulse.ts'
import { followTelemetry, openLedOutput, openScalarOutput, type Slots } from './rig-outputs.ts'
import type { Seat } from './seats.ts'

export interface TickNeeds {
  readonly slots: Slots
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  readonly pulse: Pick<PulseWriter, 'begin' | 'end'>
  record(entry: TickEntry): void
  /** CLOCK_MONOTONIC, ns. */
  monotonicNs(): bigint
  /** CPU time of this thread, ns. */
  cpuNs(): bigint
}

/** What a plugin without ReadTelemetry sees. */
const blindFrame = new Uint8Array(telemetryFrameBytes)

/** Runs guest code under its ticket, so that the watchdog knows whom to blame. */
export function underTicket<T>(pulse: TickNeeds['pulse'], ticket: number, run: () => T): T {
  pulse.begin(ticket)
  try {
    return run()
  } finally {
    pulse.end()
  }
}

/**
 * Makes the function that gives a plugin one tick: the newest telemetry in, its operations, their answers out, and the
 * count of it all. That function returns undefined, or how the plugin was lost: then its instance is of no more use.
 */
export function createTick(needs: TickNeeds, pipeline: ForcePipeline) {
  const telemetry = followTelemetry(needs.slots.telemetry)
  const leds = openLedOutput(needs.slots.leds, needs.ledCount)
  const output = openScalarOutput(needs.slots.scalar, needs.monotonicNs)

  const prepare = ({ instance, runs, ticket }: Seat): void => {
    const scalar = runs.force ? pipeline.inputOf(ticket, telemetry.scalar()) : undefined
    instance.prepare(runs.sees ? telemetry.frame : blindFrame, leds.current, scalar)
  }

  const askForForce = ({ ticket, instance, runs }: Seat): boolean => {
    const result = instance.process(operationCode.TelemetryProcessor)
    if (runs.force && result >= 0) {
      pipeline.put(ticket, result === 1 ? instance.scalar() : pipeline.inputOf(ticket, telemetry.scalar()))
    }
    return result >= 0
  }

  const askForLeds = ({ instance }: Seat): boolean => {
    const result = instance.process(operationCode.LedMapper)
    return result === 1 ? leds.show(instance.leds()) : result >= 0
  }

  const callAll = (seat: Seat): boolean => {
    prepare(seat)
    const forced = !seat.runs.telemetry || askForForce(seat)
    const drawn = !seat.runs.leds || askForLeds(seat)
    return forced && drawn
  }

  const attempt = (seat: Seat): { readonly failed: boolean; readonly fault?: string } => {
    try {
      return { failed: !underTicket(needs.pulse, seat.ticket, () => callAll(seat)) }
    } catch (cause) {
      return { failed: false, fault: guestFault(cause) } // a loss is counted when it is reported
    }
  }

  return (seat: Seat, missed: number): string | undefined => {
    telemetry.refresh()
    const before = needs.cpuNs()
    const { failed, fault } = attempt(seat)
    const cpuNs = Number(needs.cpuNs() - before)
    const overBudget = cpuNs > seat.spec.budgetUs * 1000
    needs.record({ ticket: seat.ticket, cpuNs, returned: fault === undefined, failed, overBudget, missed })
    // Before the first frame there is no force that a scalar could belong to.
    if (seat.runs.force && telemetry.begun()) output.publish(pipeline.result(telemetry.scalar()))
    return fault
  }
}
