import { constants } from 'node:os'
import type { PluginPhase, PluginReport, ReportedEnd } from '../../shm/plugin-report.ts'
import type { Violation, ViolationKind } from './conduct.ts'
import { describeEnd, type ProcessExit } from './data-process.ts'
import { syscallName } from './syscall-name.ts'

/** Why we end a process, and what it is charged with, if with anything. */
export interface Reason {
  readonly charged: ViolationKind | undefined
  readonly detail: string
}

/** What is known when the process of a plugin is gone. */
export interface PluginEnding {
  /** Undefined where it was not our child: nobody can know. */
  readonly exit: ProcessExit | undefined
  /** What it left. */
  readonly report: PluginReport | undefined
  /** Why we ended it, if it was us. */
  readonly ended: Reason | undefined
  /** The loop sends it frames, so it did not end for want of them. */
  readonly fed: boolean
  /** It was at work for most of the time when it was last seen. */
  readonly busy: boolean
}

/** How it ended in a clause, and what it is charged with. */
export interface Verdict {
  readonly detail: string
  readonly violation: Violation | undefined
}

interface Circumstances {
  readonly phase: PluginPhase
  readonly sequence: number
}

/** Signals that somebody else sends, the operator or a kernel that is out of memory. The plugin's filter forbids it to. */
const fromOutside: ReadonlySet<unknown> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

/** The first name of each: SIGABRT, and not SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
)
const hex = (address: bigint): string => `0x${address.toString(16)}`
const place = ({ address, symbol }: ReportedEnd): string => `at ${symbol === '' ? hex(address) : symbol}`

function during({ phase, sequence }: Circumstances): string {
  switch (phase) {
    case 'loading':
      return ' while it was loaded'
    case 'creating':
      return ' during create()'
    case 'processing':
      return ` during process() of frame ${sequence}`
    case 'destroying':
      return ' during destroy()'
    case 'idle':
      return ''
  }
}

function circumstances({ report }: PluginEnding): Circumstances {
  if (report === undefined) return { phase: 'idle', sequence: 0 }
  const { phase, sequence } = report.end.kind === 'none' ? report : report.end
  return { phase, sequence: phase === 'processing' ? sequence : 0 }
}

/** What the process said about its end, if it could. */
function confessed(end: ReportedEnd, when: Circumstances): Verdict | undefined {
  const charged = (kind: Violation['kind'], detail: string): Verdict => ({
    detail,
    violation: { kind, detail, ...when },
  })
  switch (end.kind) {
    case 'none':
      return undefined
    case 'signal': {
      const signal = signalNames.get(end.number) ?? `signal ${end.number}`
      const used = ['SIGSEGV', 'SIGBUS'].includes(signal) ? `, which used the address ${hex(end.value)},` : ''
      return charged('crash', `its process was ended by ${signal} ${place(end)}${used}${during(when)}`)
    }
    case 'syscall':
      return charged(
        'capability',
        `it called ${syscallName(end.number)}, which its sandbox forbids, ${place(end)}${during(when)}`,
      )
    case 'timeout':
      return charged(
        'timeout',
        `a call did not return within ${end.value / 1_000_000n} ms of CPU time ${place(end)}${during(when)}`,
      )
    case 'ring':
      return charged(
        'protocol',
        `it destroyed its ${end.number === 0 ? 'input' : 'output'} ring: a count there became ${hex(end.value)}${during(when)}`,
      )
  }
}

/** What follows from the exit status alone: a plugin may have taken away every way to say more. */
function inferred({ exit, fed, busy: atWork }: PluginEnding, when: Circumstances): Verdict {
  const detail = `its process ${describeEnd(exit)}${during(when)}`
  // The kernel's last word to a real-time process that does not give its core away is the same signal as an operator's.
  if (exit?.signal === 'SIGKILL' && atWork) {
    const used = `${detail}, after it had used a core for most of the time`
    return { detail: used, violation: { kind: 'timeout', detail: used, ...when } }
  }
  const busy = when.phase !== 'idle' && when.phase !== 'destroying'
  const itsDoing = exit?.signal
    ? !fromOutside.has(exit.signal)
    : busy || (exit !== undefined && (exit.code !== 0 || (fed && when.phase !== 'destroying')))
  if (!itsDoing) return { detail, violation: undefined }
  return { detail, violation: { kind: exit?.signal === 'SIGSYS' ? 'capability' : 'crash', detail, ...when } }
}

/** Why a plugin's process ended. Pure; the report is the plugin's word, and counts against it alone. */
export function judgeEnding(ending: PluginEnding): Verdict {
  const when = circumstances(ending)
  const { ended, report } = ending
  const word = report && confessed(report.end, when)
  if (word !== undefined || ended === undefined) return word ?? inferred(ending, when)
  const { charged, detail } = ended
  return { detail, violation: charged && { kind: charged, detail, ...when } }
}
