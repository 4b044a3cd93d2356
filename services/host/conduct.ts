import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import type { AuditLog } from './audit-log.ts'
import { advanceClock, resumeClock, stepMs } from './conduct-clock.ts'
import { growthSince } from './conduct-intake.ts'
import { type Draft, newDraft, openConductLedger, type WhoIs } from './conduct-ledger.ts'
import { type ConductPolicy, halvingsMax } from './conduct-policy.ts'
import type { ServiceReport } from './conduct-report.ts'
import { isNotable, type PluginConduct, type Standing, viewOf } from './conduct-standing.ts'
import { type ConductEvent, dueMs, next } from './conduct-state.ts'
import { someOf } from './conduct-window.ts'
import type { PluginClass } from './manifest-schema.ts'

/** How far the wall clock may be from where it was expected before that is written down, ms. */
const stepToleranceMs = 1000
/** How often it is written down how much of what somebody has to serve is served, ms. */
const markEveryMs = 60_000

/** The rate that a plugin may have whose manifest nobody has, Hz: the highest of its class. */
const highestHz: Readonly<Record<PluginClass, number>> = { Safe: 200, Fast: 1000 }

/** What plugins did, and what follows. Whatever a caller learns here is on the disk already. */
export interface Conduct {
  /** Counts what is new in the counters of services. Throws what the database says; then nothing was counted. */
  observe(reports: readonly ServiceReport[]): void
  /** Of a plugin that nobody has heard of: free. */
  standingOf(id: string): Standing
  conductOf(id: string): PluginConduct
  /**
   * Ends a quarantine and a lower rate, and forgets what was counted; the level stays. `why`: for the audit log, on one line. False where
   * there was nothing to release it from. Throws as observe().
   */
  release(id: string, why: string): boolean
  /** Those of which there is something to say, in the order of their ids. */
  list(): readonly PluginConduct[]
  /** Does what time alone brings, and looks after the clock. Throws as observe(). */
  due(): void
  /** In how many ms due() has something to do; undefined: not before something happens. */
  dueInMs(): number | undefined
  /** Hears of plugins about which something was decided. Returns what ends that. */
  onChange(listener: (ids: readonly string[]) => void): () => void
}

export interface ConductNeeds {
  readonly database: DatabaseSync
  /** On the same database. */
  readonly audit: Pick<AuditLog, 'append'>
  readonly policy: ConductPolicy
  /** The wall clock, ms since 1970. */
  nowMs(): number
  /** A clock that nobody sets, ms; it goes on while the machine sleeps. */
  monotonicMs(): number
  readonly whoIs: WhoIs
  readonly log: Pick<Logger, 'warn' | 'info' | 'error'>
}

/** Takes up what a host before this one left, and does what time has brought since. Throws what the database says. */
export function createConduct(needs: ConductNeeds): Conduct {
  const { database, audit, policy, whoIs, log } = needs
  const ledger = openConductLedger(database, audit)
  const listeners = new Set<(ids: readonly string[]) => void>()
  const readClocks = () => ({ wallMs: Math.max(0, Math.floor(needs.nowMs())), upMs: Math.floor(needs.monotonicMs()) })
  let clock = resumeClock(ledger.mark(), readClocks())

  const look = (): number => {
    clock = advanceClock(clock, readClocks())
    return clock.rigMs
  }

  function tell(ids: readonly string[]): void {
    for (const listener of listeners) {
      try {
        listener(ids)
      } catch (cause) {
        log.error({ err: cause }, 'somebody who heard of a decision failed')
      }
    }
  }

  function commit(draft: Draft): void {
    ledger.commit(draft, { clock, policy }, whoIs)
    for (const { id, decision } of draft.decisions) log.warn({ plugin: id, ...decision }, decision.kind)
    if (draft.decisions.length > 0) tell([...new Set(draft.decisions.map(({ id }) => id))])
  }

  /** Adds what an event comes to. */
  function decide(draft: Draft, id: string, event: ConductEvent, details: readonly string[] = [], why = ''): void {
    const before = draft.states.get(id) ?? ledger.stateOf(id)
    const { state, decisions } = next(before, event, clock.rigMs, policy)
    if (state !== before) draft.states.set(id, state)
    draft.decisions.push(...decisions.map((decision) => ({ id, decision, details, why })))
  }

  function take(draft: Draft, { pluginClass, plugins }: ServiceReport): void {
    for (const plugin of plugins) {
      const { id } = plugin
      const before = ledger.readingOf(pluginClass, id)
      const { counts, details, reading } = growthSince(before, plugin)
      if (reading === undefined || reading === before) continue
      draft.readings.push({ pluginClass, id, reading })
      if (!someOf(counts)) continue
      const rateHz = whoIs(id)?.rateHz ?? highestHz[pluginClass]
      decide(draft, id, { kind: 'violated', counts, halvingsMax: halvingsMax(pluginClass, rateHz, policy) }, details)
    }
  }

  function dueInMs(): number | undefined {
    const nowMs = look()
    const all = ledger.ids().flatMap((id) => dueMs(ledger.stateOf(id), policy) ?? [])
    return all.length === 0 ? undefined : Math.max(0, Math.min(...all) - nowMs)
  }

  /** True where it has to be written down: somebody who starts after us goes by it. */
  function isMarkDue(): boolean {
    const mark = ledger.mark()
    if (mark === undefined) return true
    const setMs = stepMs(mark, clock)
    if (Math.abs(setMs) < stepToleranceMs) return clock.rigMs - mark.rigMs >= markEveryMs && dueInMs() !== undefined
    log.info({ setMs }, 'the wall clock was set; what plugins have to serve stays what it is')
    return true
  }

  function due(): void {
    const draft = newDraft()
    const nowMs = look()
    for (const id of ledger.ids()) {
      const atMs = dueMs(ledger.stateOf(id), policy)
      if (atMs !== undefined && atMs <= nowMs) decide(draft, id, { kind: 'due' })
    }
    if (isMarkDue() || draft.states.size > 0) commit(draft)
  }

  function conductOf(id: string): PluginConduct {
    look()
    return viewOf(id, ledger.stateOf(id), clock, policy)
  }

  due()

  return {
    observe(reports) {
      look()
      const draft = newDraft()
      for (const report of reports) take(draft, report)
      if (draft.readings.length > 0) commit(draft)
    },
    standingOf: (id) => conductOf(id).standing,
    conductOf,
    release(id, why) {
      look()
      const draft = newDraft()
      decide(draft, id, { kind: 'released' }, [], why)
      if (draft.decisions.length > 0) commit(draft)
      return draft.decisions.some(({ decision }) => decision.kind === 'release')
    },
    list: () => ledger.ids().toSorted().map(conductOf).filter(isNotable),
    due,
    dueInMs,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
