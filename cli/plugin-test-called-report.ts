import { createHash } from 'node:crypto'
import type { OnCallAbi } from '../services/wasm-runner/abi.ts'
import type { CallCost, CallPhase, TrialWish, TriedCall } from '../services/wasm-runner/call-trial.ts'
import { cleanLine } from '../services/wasm-runner/guest-log.ts'
import { type OnCallSpec, standardCallFuel } from '../services/wasm-runner/on-call-spec.ts'
import { describedAs } from '../services/wasm-runner/self-description.ts'
import type { CalledRequest, Tried } from '../services/wasm-runner/trial-messages.ts'
import type { Violation } from '../services/wasm-runner/violation.ts'
import { confinedBy, offline } from './plugin-test-report.ts'
import { json, table } from './table.ts'

/** A plugin that runs when somebody asks, as it was run by itself. */
export interface Called extends Tried<CalledRequest> {
  readonly spec: OnCallSpec
  readonly wish: TrialWish | undefined
  /** What there is to say about its manifest. */
  readonly warnings: readonly string[]
  /** What it asks for and has not here; empty when there is nothing. */
  readonly ungranted: string
  /** Where its output was written; undefined when it was not. */
  readonly file: string | undefined
}

/** Something that its author should know. `note`: it is no fault. */
interface Finding {
  readonly kind: Violation['kind'] | 'failed' | 'output length' | 'not called' | 'network' | 'not granted' | 'manifest'
  readonly note: boolean
  readonly during: CallPhase
  readonly detail: string
}

/** What was found out, and what there is to say about it. */
export interface CalledReport extends Called {
  readonly findings: readonly Finding[]
}

/** What the guides' codes mean. */
const codeWords: Readonly<Record<OnCallAbi, Readonly<Record<number, string>>>> = {
  'midimon-action-1': {
    1: 'the request is not in its memory',
    2: 'the request is not its JSON',
    3: 'it failed, or has no such action',
  },
  'zenith-1': { [-1]: 'the input is not valid', [-2]: 'it has no memory', [-99]: 'it failed' },
}

const notCalled: Readonly<Record<OnCallAbi, string>> = {
  'midimon-action-1': 'no action was asked for; name one with --action',
  'zenith-1': 'no operation was asked for; give it an input with --input, or name an operation with --operation',
}

const nameOf = (wish: TrialWish): string => (wish.kind === 'action' ? wish.request.action : wish.request.operation)

function failedDetail(abi: OnCallAbi, wish: TrialWish, code: number): string {
  const meaning = codeWords[abi][code] ?? "a code of the plugin's own"
  return `${nameOf(wish)} returned ${code}, not 0: ${meaning}`
}

const note = (kind: Finding['kind'], during: CallPhase, detail: string): Finding => ({
  ...{ kind, note: true, during, detail },
})

const lengthDetail = (capacity: number): string =>
  `it left *output_len at the capacity, ${capacity}, so the output is all that there was room for, and ends with zeros; write there how long the output is`

function findingsOfCall(abi: OnCallAbi, wish: TrialWish, { code, capacityLeft }: TriedCall): readonly Finding[] {
  const failed = code === undefined || code === 0 ? [] : [failedDetail(abi, wish, code)]
  const unsaid = capacityLeft === undefined ? [] : [lengthDetail(capacityLeft)]
  return [
    ...failed.map((detail) => ({ kind: 'failed', note: false, during: 'call', detail }) as const),
    ...unsaid.map((detail) => note('output length', 'call', detail)),
  ]
}

/** What its author should know, the worst first. */
export function calledFindings({ spec, abi, wish, warnings, ungranted, trial }: Called): readonly Finding[] {
  const { lost, charged, call, described } = trial
  const isUncalled = call === undefined && described !== undefined
  return [
    ...[...(lost === undefined ? [] : [lost]), ...charged].map((violation) => ({ ...violation, note: false })),
    ...(wish === undefined || call === undefined ? [] : findingsOfCall(abi, wish, call)),
    ...(isUncalled ? [note('not called', 'call', notCalled[abi])] : []),
    ...(spec.network.length === 0 ? [] : [note('network', 'load', offline)]),
    ...(ungranted === '' ? [] : [note('not granted', 'load', ungranted)]),
    ...warnings.map((detail) => note('manifest', 'load', detail)),
  ]
}

const sha256Of = (output: Uint8Array): string => createHash('sha256').update(output).digest('hex')

const costFields = (cost: CallCost) => ({
  fuel: cost?.fuel ?? null,
  cpu_us: cost === undefined ? null : cost.cpuNs / 1000,
})

function callFields({ wish, trial: { call }, file }: CalledReport) {
  if (wish === undefined || call === undefined) return null
  const output = { bytes: call.output.length, sha256: sha256Of(call.output), file: file ?? null }
  return {
    [wish.kind === 'action' ? 'action' : 'operation']: nameOf(wish),
    code: call.code ?? null,
    ...costFields(call.cost),
    ...(wish.kind === 'action' ? {} : { output: call.code === 0 ? output : null }),
  }
}

/** For programs. */
export const calledToJson = (report: CalledReport): string =>
  json({
    plugin: report.spec.name,
    abi: report.abi,
    described: report.trial.described ?? null,
    confinement: report.confinement,
    compile_ms: report.compileMs,
    load: costFields(report.trial.load),
    call: callFields(report),
    memory_bytes: report.trial.memoryBytes ?? null,
    log: report.trial.log,
    findings: report.findings,
  })

/** When something was, for a person. */
const phaseWords: Readonly<Record<CallPhase, string>> = {
  load: 'while it was loaded',
  call: 'while it was called',
  end: 'at its end',
}

const costWords = (cost: CallCost): string =>
  cost === undefined
    ? 'nobody knows what it took'
    : `${cost.fuel} of ${standardCallFuel} instructions, ${(cost.cpuNs / 1000).toFixed(0)} µs`

function callRows({ wish, trial: { call }, file }: CalledReport): readonly (readonly string[])[] {
  if (wish === undefined || call === undefined) return []
  const { code, cost, output } = call
  const where = file === undefined ? '' : `, in ${file}`
  return [
    ['called', `${nameOf(wish)}: ${code === undefined ? 'it did not return' : `code ${code}`}`],
    ['call', costWords(cost)],
    ...(wish.kind === 'action' || code !== 0
      ? []
      : [['output', `${output.length} bytes, SHA-256 ${sha256Of(output)}${where}`]]),
  ]
}

/** A plugin's own text may be in it. */
function findingRow({ kind, note, during, detail }: Finding): readonly string[] {
  const words = cleanLine(Buffer.from(detail))
  return note ? ['note', `${kind}: ${words}`] : ['finding', `${kind}, ${phaseWords[during]}: ${words}`]
}

/** For a person. */
export function calledToText(report: CalledReport): string {
  const { spec, abi, confinement, compileMs, trial, findings } = report
  const { described, load, memoryBytes, log } = trial
  const rows = [
    ['plugin', `${spec.name}, ${abi}`],
    ...(described === undefined ? [] : [['described', describedAs(described)]]),
    ['confined', confinedBy(confinement)],
    ['compiled', `${compileMs.toFixed(0)} ms`],
    ['loaded', described === undefined ? 'no' : costWords(load)],
    ...callRows(report),
    ['memory', memoryBytes === undefined ? 'nobody knows' : `${memoryBytes} bytes of ${spec.memoryBytes}`],
    ...log.map(({ during, level, line }) => ['log', `${phaseWords[during]}, ${level}: ${line}`]),
    ...findings.map(findingRow),
    ...(findings.some(({ note }) => !note) ? [] : [['finding', 'none']]),
  ]
  return table(rows)
}
