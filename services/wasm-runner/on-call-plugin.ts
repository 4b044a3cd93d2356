import type { Logger } from 'pino'
import { type CallResult, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import type { OnCallAbi } from './abi.ts'
import type { CallHearing } from './call-hearing.ts'
import type { CallLanes } from './call-lanes.ts'
import type { CallGrants, CallTarget, CallWish } from './call-messages.ts'
import type { GuestLogLevel } from './guest-log.ts'
import type { DeskSeat } from './network-desk.ts'
import type { OnCallSpec } from './on-call-spec.ts'
import { cleanDescription, describedAs, undescribed } from './self-description.ts'
import { createStatistics } from './statistics.ts'
import { createViolations, type Violation } from './violation.ts'

export interface OnCallNeeds {
  readonly spec: OnCallSpec
  /** As LifeNeeds.life. */
  readonly life: bigint
  readonly abi: OnCallAbi
  readonly target: CallTarget
  readonly lanes: Pick<CallLanes, 'call' | 'drop' | 'adjust' | 'forget'>
  readonly network: DeskSeat
  readonly log: Logger
  /** Where its own lines go. */
  readonly guestLog: Logger
  /** ms since 1970. */
  wallMs(): number
}

/** What a call came to, for whoever asked. */
export interface Called {
  readonly result: CallResult
  readonly output: Uint8Array<ArrayBuffer>
}

/** One plugin that runs when somebody asks, from its load to its end. */
export interface OnCallPlugin {
  readonly abi: OnCallAbi
  readonly spec: OnCallSpec
  /** Asks it what it is: the first thing that is done. Rejects with PLUGIN_FAILED; then it is of no use. */
  begin(): Promise<void>
  /** Rejects as Lane.call does. */
  call(wish: CallWish, signal: AbortSignal): Promise<Called>
  /** What it may use from now on, in the middle of a call as well. */
  adjust(grants: CallGrants): void
  /** Its instance is ended, in an orderly way: after its calls, and after those of others that are before it. */
  end(): Promise<void>
  /** It is unloaded: its calls are refused or interrupted at once, which is no fault of its own, and its instance is ended. */
  drop(): Promise<void>
  /** It did this before it was loaded. */
  charge(violation: Violation): void
  /** `brief`: without statistics. */
  view(brief?: boolean): SafePlugin
}

const nobodyCancels = new AbortController().signal

const microseconds = (ns: number): number => Math.min(Math.ceil(ns / 1000), 0xffff_ffff)

export function createOnCallPlugin(needs: OnCallNeeds): OnCallPlugin {
  const { spec, life, abi, lanes, network, log, guestLog, wallMs } = needs
  const statistics = createStatistics()
  const violations = createViolations()
  const leaving = new AbortController()
  let { target } = needs
  let described = undescribed

  const writeLine = (level: GuestLogLevel, text: string): void => guestLog[level]({ plugin: spec.id }, text)

  const hearing: CallHearing = {
    onLine: writeLine,
    onViolation: (violation) => violations.charge(violation, wallMs()),
    onNetwork: network.heard,
  }

  const charge = (fault: Violation): void => {
    violations.charge(fault, wallMs())
    log.warn({ plugin: spec.id, name: spec.name }, fault.detail)
  }

  const countFault = (fault: Violation): void => {
    charge(fault)
    statistics.countLoss()
    if (fault.kind === 'budget') statistics.countOutOfFuel()
  }

  async function ask(wish: CallWish, signal: AbortSignal) {
    const lines: { level: string; text: string }[] = []
    const outcome = await lanes.call({
      ...{ target, wish, deadlineMs: spec.deadlineMs, signal, gone: leaving.signal },
      hearing: {
        ...hearing,
        onLine(level, text) {
          lines.push({ level, text })
          writeLine(level, text)
        },
      },
    })
    if (outcome.fault !== undefined) {
      network.withdrawAll() // its thread may be gone
      countFault(outcome.fault)
    }
    return { outcome, lines }
  }

  return {
    abi,
    spec,
    async begin() {
      const { outcome } = await ask({ kind: 'describe' }, nobodyCancels)
      if (outcome.fault !== undefined) {
        throw new RigError('PLUGIN_FAILED', `${spec.name} did not start (${outcome.fault.detail}); ask its author`)
      }
      described = cleanDescription(outcome.described)
    },
    async call(wish, signal) {
      const { outcome, lines } = await ask(wish, signal)
      const { code, fault, fuelUsed, cpuNs, output } = outcome
      if (fault === undefined) {
        const failed = code !== 0
        statistics.count({
          ...{ ticket: target.ticket, cpuNs, fuel: fuelUsed, returned: true, failed },
          ...{ overBudget: false, missed: 0, lateNs: 0 },
        })
      }
      const result = { code, fault: fault?.detail ?? '', lines, fuel: BigInt(fuelUsed), cpuUs: microseconds(cpuNs) }
      return { result, output }
    },
    adjust(grants) {
      const { hosts, fileSystem } = grants
      target = { ...target, network: { ...target.network, hosts }, fileSystem }
      if (hosts.length === 0) network.withdrawAll()
      lanes.adjust(target.ticket, grants)
    },
    async drop() {
      leaving.abort()
      network.withdrawAll()
      await lanes.drop(target, hearing)
      network.withdrawAll()
    },
    async end() {
      await lanes.forget(target, hearing, spec.deadlineMs)
      network.withdrawAll()
    },
    charge,
    view: (brief = false) => ({
      id: spec.id,
      life,
      state: PluginState.PLUGIN_STATE_RUNNING,
      detail: describedAs(described),
      statistics: brief ? undefined : statistics.snapshot(),
      violations: violations.snapshot(),
      crashesCounted: violations.counted(),
      described: { name: described.name, version: described.version },
    }),
  }
}
