import type { Logger } from 'pino'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { delayMs, pauseAfter, standardRestart } from '../../supervision/restart.ts'
import type { PluginCode } from './compile.ts'
import type { ExecutorThreads } from './executor-threads.ts'
import type { TickEntry } from './ledger.ts'
import type { DeskSeat, NetworkDesk } from './network-desk.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { checkTerms, firstTerms, type PluginTerms, termsDetail } from './plugin-terms.ts'
import { createStatistics } from './statistics.ts'
import { createViolations, type Violation } from './violation.ts'

export interface LifeNeeds {
  readonly ticket: number
  /** Names this load for whoever counts: no other one has it, of whatever process. */
  readonly life: bigint
  readonly spec: PluginSpec
  readonly code: PluginCode
  readonly executor: ExecutorThreads
  readonly desk: Pick<NetworkDesk, 'open' | 'room'>
  readonly log: Logger
  /** Monotonic, ms. */
  now(): number
  /** ms since 1970. */
  wallMs(): number
}

/** How far it is: on its way, on its thread, or waiting to be there again, for long where it was lost too often. */
type Stage = 'loading' | 'running' | 'waiting' | 'given up'

function stateOf(stage: Stage, { rateHz: ownHz }: PluginSpec, { rateHz }: PluginTerms): PluginState {
  if (stage === 'waiting') return PluginState.PLUGIN_STATE_WAITING
  if (stage === 'given up') return PluginState.PLUGIN_STATE_FAILED
  if (stage === 'loading' || rateHz === 0) return PluginState.PLUGIN_STATE_LOADED
  return rateHz < ownHz ? PluginState.PLUGIN_STATE_THROTTLED : PluginState.PLUGIN_STATE_RUNNING
}

/** One plugin from its load to its end: started, lost, waiting, started again. */
export interface PluginLife {
  readonly ticket: number
  /** Starts it the first time; a failure here is the end of it. `replaces`: the ticket whose place it takes. */
  start(replaces: number | undefined): Promise<void>
  /**
   * It runs on these terms from now on; one that waits, from its next start on. Resolves when they are in force. Rejects
   * with REQUEST_INVALID; then nothing has changed.
   */
  adjust(terms: PluginTerms): Promise<void>
  /** The executor gave it a tick. */
  ticked(entry: TickEntry): void
  /** It did what it must not do. */
  violated(violation: Violation): void
  /** It asks for something of the network. */
  asked: DeskSeat['heard']
  /** The executor lost it. */
  lost(detail: string): void
  /** The executor moved it to another thread. */
  moved(): void
  /** While held, a plugin that waits goes on waiting: its replacement is on the way. */
  hold(held: boolean): void
  /** It is gone and does not come back. Resolves when its code does not run any more. May be called twice. */
  end(): Promise<void>
  /** `brief`: without statistics. */
  view(brief?: boolean): SafePlugin
}

export function createPluginLife(needs: LifeNeeds): PluginLife {
  const { ticket, life, spec, code, executor, desk, log, now, wallMs } = needs
  const statistics = createStatistics()
  const violations = createViolations()
  const network = desk.open(spec.id)
  let terms = firstTerms(spec)
  let stage: Stage = 'loading'
  let trouble = ''
  let losses = 0
  let recent: readonly number[] = []
  let startedMs = 0
  let timer: NodeJS.Timeout | undefined
  let held = false
  let ended = false

  const start = async (replaces: number | undefined): Promise<void> => {
    await executor.start({ ticket, spec, terms, code, replaces, room: desk.room }).catch((cause) => {
      network.withdrawAll()
      throw cause
    })
    startedMs = now()
    stage = 'running'
  }

  const startAgain = async (): Promise<void> => {
    timer = undefined
    statistics.countRestart()
    try {
      await start(undefined)
    } catch (cause) {
      wait(cause instanceof RigError ? cause.detail : String(cause), 0)
    }
  }

  const arm = (pauseMs: number): void => {
    clearTimeout(timer)
    timer = held || ended ? undefined : setTimeout(() => void startAgain(), pauseMs)
  }

  const wait = (why: string, ranMs: number): void => {
    statistics.countLoss()
    if (ended) return
    losses = ranMs >= standardRestart.forgiveAfterMs ? 1 : losses + 1
    const pause = pauseAfter(recent, now(), standardRestart)
    recent = pause.recent
    const pauseMs = pause.givenUpMs ?? delayMs(losses, standardRestart)
    const givenUp = pause.givenUpMs !== undefined
    stage = givenUp ? 'given up' : 'waiting'
    const told = givenUp ? 'it is lost too often and given up: it is tried once more' : 'it is started again'
    trouble = `${why}; ${told} after ${pauseMs} ms`
    log.warn({ plugin: spec.id, name: spec.name, losses }, trouble)
    arm(pauseMs)
  }

  return {
    ticket,
    start,
    async adjust(next) {
      checkTerms(next, spec)
      terms = next
      if (next.network.length === 0) network.withdrawAll()
      await executor.adjust(ticket, next)
    },
    ticked(entry) {
      statistics.count(entry)
      if (!entry.overBudget) return
      const spent = `${(entry.cpuNs / 1000).toFixed(0)} µs of CPU time and ${entry.fuel} instructions`
      violations.charge({ kind: 'budget', detail: `a tick of ${spec.budgetUs} µs took ${spent}` }, wallMs())
    },
    violated(violation) {
      violations.charge(violation, wallMs())
      if (violation.kind === 'budget') statistics.countOutOfFuel()
    },
    lost(why) {
      network.withdrawAll()
      wait(why, now() - startedMs)
    },
    asked: network.heard,
    moved() {
      network.withdrawAll()
      statistics.countRestart()
    },
    hold(hold) {
      held = hold
      if (held || stage === 'waiting' || stage === 'given up') arm(0)
    },
    async end() {
      ended = true
      clearTimeout(timer)
      await executor.stop(ticket)
      network.withdrawAll()
    },
    view: (brief = false) => ({
      ...{ id: spec.id, life, state: stateOf(stage, spec, terms) },
      detail: stage === 'waiting' || stage === 'given up' ? trouble : termsDetail(spec, terms),
      statistics: brief ? undefined : statistics.snapshot(),
      violations: violations.snapshot(),
      crashesCounted: violations.counted(),
    }),
  }
}
