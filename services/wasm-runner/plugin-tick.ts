import { follow } from './calibration.ts'
import type { ForcePipeline } from './force-pipeline.ts'
import { tickFuel } from './fuel.ts'
import type { Guard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import { operationCode } from './instance.ts'
import type { TickEntry } from './ledger.ts'
import type { PulseWriter } from './pulse.ts'
import { followTelemetry, openLedOutput, openScalarOutput, type Slots } from './rig-outputs.ts'
import type { Seat } from './seats.ts'
import { followSuspects } from './suspects.ts'
import { blindFrame } from './ticking-guest.ts'
import type { Violation } from './violation.ts'

export interface TickNeeds {
  readonly slots: Slots
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  readonly pulse: Pick<PulseWriter, 'begin' | 'end'>
  /** Units of fuel a µs of this machine. */
  readonly unitsPerUs: number
  /** Of this thread. */
  readonly guard: Pick<Guard, 'mostUs'>
  record(entry: TickEntry): void
  /** CLOCK_MONOTONIC, ns. */
  monotonicNs(): bigint
  /** CPU time of this thread, ns; see cpu-clock.ts. */
  cpuNs(): number
}

/** Runs guest code under its ticket, so that the watchdog knows whom to blame, and who reads the call record. */
export function underTicket<T>(
  pulse: TickNeeds['pulse'],
  { ticket, idWords }: Pick<Seat, 'ticket' | 'idWords'>,
  run: () => T,
): T {
  pulse.begin(ticket, idWords)
  try {
    return run()
  } finally {
    pulse.end()
  }
}

export interface Ticks {
  /** Takes the newest telemetry: all ticks see it until this is called again. */
  refresh(): void
  /**
   * Gives a plugin one tick: the telemetry in, its operations, their answers out, and the count of it all.
   * Returns undefined, or how the plugin was lost: then its instance is of no more use.
   */
  tick(seat: Seat, missed: number, lateMs: number): Violation | undefined
  /** Somebody's force is not asked for any more: what remains without it counts at once, and not from the next tick on. */
  settle(): void
  /** Takes over what the suspects' thread has answered; nothing where there are no suspects. */
  relay(): void
}

export function createTicks(needs: TickNeeds, pipeline: ForcePipeline): Ticks {
  const telemetry = followTelemetry(needs.slots.telemetry)
  const suspects = needs.slots.suspects && followSuspects(needs.slots.suspects, needs.monotonicNs)
  const leds = openLedOutput(needs.slots.leds, needs.ledCount)
  const output = openScalarOutput(needs.slots.scalar, needs.monotonicNs)
  let source = 0

  /** Suspects come before everybody else: what they made of the telemetry's scalar is what the others begin with. */
  const refresh = (): void => {
    telemetry.refresh()
    source = suspects?.scalar() ?? telemetry.scalar()
  }

  /** Before the first frame there is no force that a scalar could belong to. */
  const publish = (): void => {
    if (telemetry.begun()) output.publish(pipeline.result(source))
  }

  const prepare = ({ instance, runs, ticket }: Seat, fuel: number): void => {
    const scalar = runs.force ? pipeline.inputOf(ticket, source) : undefined
    instance.prepare(runs.sees ? telemetry.frame : blindFrame, leds.current, scalar, fuel)
  }

  const askForForce = ({ ticket, instance, runs }: Seat): boolean => {
    const result = instance.process(operationCode.TelemetryProcessor)
    if (!runs.force) return result >= 0
    const scalar = result === 1 ? instance.scalar() : pipeline.inputOf(ticket, source)
    const failed = result < 0 || (result === 1 && !Number.isFinite(scalar))
    // A failure must neither stop the wheel nor leave an earlier answer standing: the neighbours' value goes on.
    if (failed) pipeline.withdraw(ticket)
    else pipeline.put(ticket, scalar)
    return !failed
  }

  const askForLeds = ({ instance }: Seat): boolean => {
    const result = instance.process(operationCode.LedMapper)
    return result === 1 ? leds.show(instance.leds()) : result >= 0
  }

  const callAll = (seat: Seat, fuel: number): boolean => {
    prepare(seat, fuel)
    const forced = !seat.runs.telemetry || askForForce(seat)
    const drawn = !seat.runs.leds || askForLeds(seat)
    return forced && drawn
  }

  const attempt = (seat: Seat, fuel: number): { readonly failed: boolean; readonly fault?: Violation } => {
    try {
      return { failed: !underTicket(needs.pulse, seat, () => callAll(seat, fuel)) }
    } catch (cause) {
      if (!(cause instanceof GuestFault)) throw cause
      return { failed: false, fault: cause.violation } // a loss is counted when it is reported
    }
  }

  const tick: Ticks['tick'] = (seat, missed, lateMs) => {
    const { ticket, spec } = seat
    const given = tickFuel(spec.budgetUs, seat.unitsPerUs)
    const before = needs.cpuNs()
    const { failed, fault } = attempt(seat, given)
    // What a hypervisor took is on the thread's clock as well.
    const cpuNs = Math.min(Math.max(0, needs.cpuNs() - before), needs.guard.mostUs() * 1000)
    const fuel = seat.instance.fuelUsed()
    const returned = fault === undefined
    // Between two looks at the fuel a function may use more than there is, and come back.
    const overBudget = returned && (cpuNs > spec.budgetUs * 1000 || fuel > given)
    needs.record({ ticket, cpuNs, fuel, returned, failed, overBudget, missed, lateNs: lateMs * 1e6 })
    if (returned) seat.unitsPerUs = follow(seat.unitsPerUs, needs.unitsPerUs, { units: fuel, cpuNs })
    else pipeline.withdraw(ticket)
    if (seat.runs.force) publish()
    return fault
  }

  const settle = (): void => {
    if (pipeline.isEmpty() && suspects?.scalar() === undefined) output.withdraw()
    else publish()
  }

  let relayed = false
  const relay = (): void => {
    refresh()
    const drawn = suspects?.leds()
    if (drawn !== undefined) leds.show(drawn)
    const speaks = suspects?.scalar() !== undefined
    if (speaks) publish()
    else if (relayed) settle()
    relayed = speaks
  }

  return { refresh, tick, settle, relay }
}
