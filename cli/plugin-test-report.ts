import { ledFrame } from '../gen/layout.ts'
import type { Confinement } from '../gen/proto/openracing/v1/plugin.ts'
import type { Abi } from '../services/wasm-runner/abi.ts'
import { isWhole, missingOf } from '../services/wasm-runner/confinement.ts'
import { ungrantedDetail } from '../services/wasm-runner/granted-operations.ts'
import type { PluginSpec } from '../services/wasm-runner/plugin-spec.ts'
import type { Trial, TrialTick } from '../services/wasm-runner/trial.ts'
import { json, table } from './table.ts'

/** A plugin that was run by itself. */
export interface Ran {
  readonly spec: PluginSpec
  /** What it asks for and has not here; empty when there is nothing. */
  readonly ungranted: string
  readonly abi: Abi
  readonly compileMs: number
  readonly trial: Trial
  /** What of the kernel kept the process in. */
  readonly confinement: Confinement
}

/** Something that its author should know. `note`: it is no fault. */
interface Finding {
  readonly kind:
    | 'crash'
    | 'timeout'
    | 'budget'
    | 'memory'
    | 'capability'
    | 'failed'
    | 'clamped'
    | 'not run'
    | 'not granted'
    | 'network'
    | 'log'
  readonly note: boolean
  readonly count: number
  /** The first tick that shows it. */
  readonly tick: number
  readonly detail: string
}

function finding(
  kind: Finding['kind'],
  note: boolean,
  ticks: readonly TrialTick[],
  detail: string,
): readonly Finding[] {
  const [first] = ticks
  return first === undefined ? [] : [{ kind, note, count: ticks.length, tick: first.tick, detail }]
}

/** What is so from the first tick to the last. */
const standing = (kind: Finding['kind'], detail: string): readonly Finding[] =>
  detail === '' ? [] : [{ kind, note: true, count: 1, tick: 0, detail }]

/** What a plugin that asks for hosts is told. */
export const offline = 'the network is not reachable here: http_request and udp_send answer -1'

/** What its author should know, the worst first. */
export function findingsOf({ spec, ungranted, trial: { ticks, lost, charged } }: Ran): readonly Finding[] {
  const notRun = ungrantedDetail(spec)
  const failed = 'it returned an error, a scalar that is not finite, or more LEDs than there are'
  const late = `it took more CPU time than its ${spec.budgetUs} µs`
  const [firstCharge] = charged
  const clamped = 'it left a force scalar that is not within -1 to 1'
  return [
    ...(lost === undefined ? [] : [{ kind: lost.kind, note: false, count: 1, tick: lost.tick, detail: lost.detail }]),
    ...(firstCharge === undefined ? [] : [{ ...firstCharge, note: false, count: charged.length }]),
    ...finding(
      'failed',
      false,
      ticks.filter((tick) => tick.failed),
      failed,
    ),
    ...finding(
      'budget',
      false,
      ticks.filter((tick) => tick.overBudget),
      late,
    ),
    ...finding(
      'clamped',
      true,
      ticks.filter(({ rawScalar }) => Math.abs(rawScalar) > 1),
      clamped,
    ),
    ...standing('network', spec.network.length === 0 ? '' : offline),
    ...standing('not run', notRun),
    ...standing('not granted', ungranted),
  ]
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

function spread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const sum = values.reduce((all, value) => all + value, 0)
  return {
    mean: sum / (values.length || 1),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  }
}

/** The LEDs of a frame, as colours of the web. */
function coloursOf(leds: Uint8Array): readonly string[] {
  const count = new DataView(leds.buffer, leds.byteOffset).getUint32(ledFrame.led_count.offset, true)
  const colour = (index: number): string =>
    Buffer.from(leds.subarray(ledFrame.rgb.offset + index * 3, ledFrame.rgb.offset + index * 3 + 3)).toString('hex')
  return Array.from({ length: count }, (_, index) => `#${colour(index)}`)
}

const outputOf = ({ tick, scalar, leds, fuel, cpuNs, failed }: TrialTick) => ({
  tick,
  ...(scalar === undefined ? {} : { ffb_scalar: scalar }),
  ...(leds === undefined ? {} : { leds: coloursOf(leds) }),
  fuel,
  cpu_us: cpuNs / 1000,
  ...(failed ? { failed } : {}),
})

/** What was found out, and what there is to say about it. */
export interface Report extends Ran {
  readonly findings: readonly Finding[]
}

/** For programs. */
export const toJson = ({ spec, abi, compileMs, trial, confinement, findings }: Report): string =>
  json({
    plugin: spec.name,
    abi,
    ticks: trial.ticks.length,
    confinement,
    compile_ms: compileMs,
    load: { fuel: trial.loadFuel ?? null, cpu_us: trial.loadCpuNs / 1000 },
    fuel: spread(trial.ticks.map(({ fuel }) => fuel)),
    cpu_us: spread(trial.ticks.map(({ cpuNs }) => cpuNs / 1000)),
    memory_bytes: trial.memoryBytes,
    custom_data: Object.fromEntries([...trial.customData].map(([key, value]) => [key, JSON.parse(value)])),
    log: trial.log,
    findings,
    outputs: trial.ticks.map(outputOf),
  })

function tickRow(tick: TrialTick): readonly string[] {
  const lit =
    tick.leds &&
    coloursOf(tick.leds)
      .map((colour) => (colour === '#000000' ? '·' : '●'))
      .join('')
  const scalar = tick.scalar?.toFixed(4) ?? ''
  return [
    `${tick.tick}`,
    scalar,
    lit ?? '',
    `${tick.fuel}`,
    `${(tick.cpuNs / 1000).toFixed(1)} µs`,
    tick.failed ? 'failed' : '',
  ]
}

/** The last answers, for whoever does not want them all. */
function lastOutputs(ticks: readonly TrialTick[]): readonly (readonly string[])[] {
  const scalar = ticks.findLast((tick) => tick.scalar !== undefined)?.scalar
  const leds = ticks.findLast((tick) => tick.leds !== undefined)?.leds
  return [
    ...(scalar === undefined ? [] : [['force scalar', `${scalar.toFixed(4)} at the end`]]),
    ...(leds === undefined ? [] : [['LEDs', `${coloursOf(leds).join(' ')} at the end`]]),
  ]
}

/** What kept its process in, in words. */
export const confinedBy = (confinement: Confinement): string =>
  isWhole(confinement) ? 'by landlock and seccomp' : `not as it should be: this kernel lacks ${missingOf(confinement)}`

/** For a person; `all`: each tick. */
export function toText({ spec, abi, compileMs, trial, confinement, findings }: Report, all: boolean): string {
  const [fuel, cpu] = [
    spread(trial.ticks.map((each) => each.fuel)),
    spread(trial.ticks.map((each) => each.cpuNs / 1000)),
  ]
  const summary = [
    ['plugin', `${spec.name}, ${abi}`],
    ['confined', confinedBy(confinement)],
    ['compiled', `${compileMs.toFixed(0)} ms`],
    [
      'loaded',
      trial.loadFuel === undefined ? 'no' : `${trial.loadFuel} instructions, ${(trial.loadCpuNs / 1000).toFixed(0)} µs`,
    ],
    ['ticks', `${trial.ticks.length} at ${spec.rateHz} Hz`],
    ['fuel', `mean ${fuel.mean.toFixed(0)}, most ${fuel.max} instructions a tick`],
    [
      'CPU time',
      `p50 ${cpu.p50.toFixed(1)} µs, p99 ${cpu.p99.toFixed(1)} µs, max ${cpu.max.toFixed(1)} µs of ${spec.budgetUs} µs`,
    ],
    ['memory', `${trial.memoryBytes} bytes of ${spec.memoryBytes}`],
    ...lastOutputs(trial.ticks),
    ...[...trial.customData].map(([key, value]) => ['custom data', `${key} = ${value}`]),
    ...trial.log.map(({ tick, level, line }) => ['log', `tick ${tick}, ${level}: ${line}`]),
    ...findings.map(({ kind, count, tick, detail }) => [
      'finding',
      `${kind}, ${count} times from tick ${tick} on: ${detail}`,
    ]),
    ...(findings.length === 0 ? [['finding', 'none']] : []),
  ]
  const heading = ['TICK', 'FORCE SCALAR', 'LEDS', 'FUEL', 'CPU TIME', '']
  return (all ? table([heading, ...trial.ticks.map(tickRow)]) : '') + table(summary)
}
