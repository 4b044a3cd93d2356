import { mkdtempSync, rmSync } from 'node:fs'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import { openCallMark, openCallRecord } from '../../services/wasm-runner/call-record.ts'
import { createCpuClock } from '../../services/wasm-runner/cpu-clock.ts'
import { createExecutor, type Executor } from '../../services/wasm-runner/executor.ts'
import { noGuard, openGuard } from '../../services/wasm-runner/guard.ts'
import { createLedger, openLedgerReader, openLedgerWriter } from '../../services/wasm-runner/ledger.ts'
import { noRoom } from '../../services/wasm-runner/network-words.ts'
import type { SafeCapability } from '../../services/wasm-runner/plugin-spec.ts'
import { firstTerms } from '../../services/wasm-runner/plugin-terms.ts'
import { createPulse, openPulseWriter } from '../../services/wasm-runner/pulse.ts'
import { openSuspectSlots } from '../../services/wasm-runner/suspects.ts'
import { codeOf } from '../../services/wasm-runner/testing/code.ts'
import { specOf } from '../../services/wasm-runner/testing/specs.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { openLedSlot, openScalarSlot, openTelemetrySlot } from '../../shm/slots.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { idleGuest } from './guests.ts'
import { median } from './median.ts'
import { threadCpuMs } from './thread-cpu.ts'

export interface TickFigures {
  /** CPU time of one; median. */
  readonly us: number
  /** As many as a core does in a second. */
  readonly per_s: number
  readonly slices: number
}

/** What is called: the guest's function and nothing else, or plugins of an executor. */
export const tickRows = {
  bare_call: undefined,
  telemetry: { plugins: 1, capabilities: ['ReadTelemetry'] },
  force: { plugins: 1, capabilities: ['ReadTelemetry', 'ModifyTelemetry'] },
  force_100: { plugins: 100, capabilities: ['ReadTelemetry', 'ModifyTelemetry'] },
} as const satisfies Record<
  string,
  { readonly plugins: number; readonly capabilities: readonly SafeCapability[] } | undefined
>
export type TickRow = keyof typeof tickRows

/** So many that a slice takes a few ms. */
const ticksOfSlice = 4000
const warmMs = 300

/** Does so many ticks. */
type Act = (ticks: number) => void

async function bareCall(): Promise<Act> {
  const { module } = await codeOf(idleGuest)
  const { process } = new WebAssembly.Instance(module, {}).exports as Record<string, (...values: number[]) => number>
  return (ticks) => {
    for (let tick = 0; tick < ticks; tick++) process?.(0, 1024, 2048, 4096)
  }
}

/** An executor as its thread makes it, on shared memory of its own; time passes as fast as it ticks. */
function openExecutor(shmDir: string) {
  const data = { shmDir }
  const telemetry = openTelemetrySlot(data)
  telemetry.publish(new Uint8Array(telemetryFrameBytes))
  const suspects = openSuspectSlots(shmDir)
  const slots = { telemetry, leds: openLedSlot(data), scalar: openScalarSlot(data), suspects }
  const ledger = createLedger()
  const clock = { nowMs: 0 }
  const executor = createExecutor({
    slots,
    ledCount: 15,
    pulse: openPulseWriter(createPulse(), openCallMark(shmDir, openCallRecord(shmDir).claim())),
    record: openLedgerWriter(ledger),
    tell(report) {
      if (report.kind !== 'started') throw new Error(`a plugin is ${report.kind}`)
    },
    guard: openGuard() ?? noGuard,
    unitsPerUs: 7000,
    now: () => clock.nowMs,
    monotonicNs: () => process.hrtime.bigint(),
    cpuNs: createCpuClock({ exactNs: threadCpuNanoseconds, nowMs: () => performance.now() }),
  })
  return { executor, clock, ledger: openLedgerReader(ledger) }
}

const periodMs = 5

async function startPlugins(
  executor: Executor,
  plugins: number,
  capabilities: readonly SafeCapability[],
): Promise<void> {
  const code = await codeOf(idleGuest)
  for (let ticket = 1; ticket <= plugins; ticket++) {
    const spec = specOf({ capabilities, rateHz: 1000 / periodMs, order: ticket })
    executor.obey({ kind: 'start', ticket, spec, terms: firstTerms(spec), code, replaces: undefined, room: noRoom })
  }
}

async function executorTicks(plugins: number, capabilities: readonly SafeCapability[]): Promise<Act> {
  const shmDir = mkdtempSync('/dev/shm/openracing-wasm-bench-')
  const { executor, clock, ledger } = openExecutor(shmDir)
  rmSync(shmDir, { recursive: true }) // what is mapped stays
  await startPlugins(executor, plugins, capabilities)
  return (ticks) => {
    for (let done = 0; done < ticks; done += plugins) {
      clock.nowMs += periodMs
      executor.sweep()
    }
    ledger.drain(() => {})
  }
}

async function prepare(row: TickRow): Promise<Act> {
  const what = tickRows[row]
  const act = await (what === undefined ? bareCall() : executorTicks(what.plugins, what.capabilities))
  const until = performance.now() + warmMs
  while (performance.now() < until) act(ticksOfSlice)
  return act
}

/** A tick without work, through all that the executor does for it. */
export function tickCost(row: TickRow): Contestant<TickFigures> {
  let prepared: Promise<Act> | undefined
  const us: number[] = []
  // A call alone takes less than the clock of CPU time can tell of thousands.
  const ticks = row === 'bare_call' ? 50 * ticksOfSlice : ticksOfSlice
  return createContestant(
    `tick_cost.${row}`,
    async (ms) => {
      prepared ??= prepare(row)
      const act = await prepared
      const until = performance.now() + ms
      do {
        const began = threadCpuMs()
        act(ticks)
        us.push(((threadCpuMs() - began) / ticks) * 1000)
      } while (performance.now() < until)
    },
    () => ({ us: median(us), per_s: 1e6 / median(us), slices: us.length }),
  )
}
