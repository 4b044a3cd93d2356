import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { RigError } from '../../rpc/failure.ts'
import { type CallCounts, sumOf } from './call-counts.ts'
import type { HistoryFile } from './history-file.ts'
import { createHistoryLedger } from './history-ledger.ts'
import { dayMs, hourMs, minuteMs, type Sample, type SampleQuery } from './history-store.ts'
import type { IsServing } from './judge.ts'
import type { Nameable } from './named-plugin.ts'
import { readingOf } from './plugin-reading.ts'
import type { PluginServices } from './plugin-services.ts'

/** How often the services are asked what they counted, ms: what a life counts after the last time is lost with it. */
const readEveryMs = 5000
/** How many plugins are counted before others have their turn: it takes a ms or two. */
const countAtOnce = 25
/** What services say of the plugins that they run; absent where one was not asked or did not answer. */
export interface PluginReports {
  readonly safe?: readonly SafePlugin[] | undefined
  readonly fast?: readonly FastPlugin[] | undefined
}

/** The calls of a plugin over all its lives, and lately. */
export interface PluginCalls {
  readonly total: CallCounts
  readonly lastHour: CallCounts
  readonly lastDay: CallCounts
}

/** What every call of every plugin came to. What was written outlives whatever ends. */
export interface PluginHistory {
  /** Counts what is new. Whoever asks the services anyway may call this: they are not asked once more then. */
  observe(reports: PluginReports): void
  /** Rejects with SERVICE_UNAVAILABLE where the file cannot be read. */
  calls(id: string): Promise<PluginCalls>
  /** Samples that are written, as HistoryStore.list(); the newest minute is when it is over. Rejects as calls() does. */
  samples(query: SampleQuery): Promise<readonly Sample[]>
  /** Why it is not on the disk; empty while it is. */
  warning(): string
  /** Counts and writes what is new; resolves when the file is closed. May be called twice. */
  close(): Promise<void>
}

export interface PluginHistoryNeeds {
  readonly services: Pick<PluginServices, 'listSafe' | 'listFast'>
  readonly isServing: IsServing
  /** No others are counted. */
  readonly installed: () => readonly Pick<Nameable, 'manifest'>[]
  /** As incarnationOf(). */
  readonly incarnation: () => string
  readonly file: HistoryFile
  /** How long the last reading and the last write may take, ms: the rig is about to end. */
  readonly closeMs: number
  /** ms since 1970. */
  readonly nowMs: () => number
  readonly log: Logger
}

/** The newest call was seen by a clock that was set back since, where that is later. */
const notAfter = (calls: CallCounts, nowMs: number): CallCounts => ({
  ...calls,
  lastMs: Math.min(calls.lastMs, nowMs),
})

interface Reported {
  readonly id: string
  readonly life: string
  readonly statistics: PluginStatistics | undefined
}

export function startPluginHistory(needs: PluginHistoryNeeds): PluginHistory {
  const { services, isServing, installed, incarnation, file, closeMs, nowMs, log } = needs
  const ledger = createHistoryLedger()
  const observedMs = { safe: -readEveryMs, fast: -readEveryMs }
  const doubted = new Set<string>() // told once of each
  let kept = false
  let warning = ''

  function warn(sentence: string): void {
    if (sentence !== '' && sentence !== warning) {
      log.error(
        { reason: sentence },
        'the history of the plugins is not on the disk; what they do is counted in memory',
      )
    }
    warning = sentence
  }

  /** Goes on from what the file has: what it has not was counted by the services, and is read there again. */
  async function load(): Promise<void> {
    try {
      ledger.restore(await file.load())
      kept = true
    } catch (cause) {
      warn((cause as RigError).detail)
    }
  }

  async function write(): Promise<void> {
    if (!kept) await load()
    const news = ledger.take()
    if (!kept || news.length === 0) return
    try {
      await file.write(news, nowMs())
      warn('')
    } catch (cause) {
      warn((cause as RigError).detail)
      kept = false
      await load()
    }
  }

  async function count(reported: readonly Reported[]): Promise<void> {
    const known = new Set(installed().map(({ manifest }) => manifest?.id))
    for (const [index, { id, life, statistics }] of reported.entries()) {
      if (index % countAtOnce === countAtOnce - 1) await turn()
      if (!known.has(id)) continue
      const reading = readingOf(life, statistics, nowMs())
      if (reading === 'absent') continue
      if (reading !== 'refused' && ledger.count(id, reading)) continue
      if (!doubted.has(id))
        log.warn({ plugin: id, life }, 'its service says what cannot be about its calls: not counted')
      doubted.add(id)
    }
  }

  async function observe({ safe, fast }: PluginReports): Promise<void> {
    const at = performance.now()
    if (safe !== undefined) {
      observedMs.safe = at
      await count(safe.map(({ id, life, statistics }) => ({ id, life: `safe.${life}`, statistics })))
    }
    if (fast !== undefined) {
      observedMs.fast = at
      const loop = incarnation()
      await count(fast.map(({ id, life, statistics }) => ({ id, life: `fast.${loop}.${life}`, statistics })))
    }
  }

  /** Asks who was not asked lately by anybody. */
  async function read(lately: number): Promise<void> {
    const due = (service: string, at: number): boolean => isServing(service) && performance.now() - at >= lately
    const [safe, fast] = await Promise.all([
      due('wasm-runner', observedMs.safe) ? services.listSafe().catch(() => undefined) : undefined,
      due('dsp-helper', observedMs.fast) ? services.listFast().catch(() => undefined) : undefined,
    ])
    await observe({ safe, fast })
  }

  let work: Promise<unknown> | undefined
  /** One at a time, and none before the file was read: until then nothing is known that a difference could be made to. */
  function next<T>(act: () => Promise<T> | T): Promise<T> {
    const mine = (work ?? load()).then(act)
    work = mine.catch(() => undefined)
    return mine
  }
  /** Calls in minutes that began at `fromMs` or later, and not after `toMs`: of a clock that was set back there are some. */
  async function between(id: string, fromMs: number, toMs: number): Promise<CallCounts> {
    const unwritten = ledger.newBetween(id, fromMs, toMs)
    return kept ? sumOf(await file.sum(id, fromMs, toMs), unwritten) : unwritten
  }
  const timers = [
    setInterval(() => void next(() => read(readEveryMs / 2)), readEveryMs),
    setInterval(() => void next(write), minuteMs),
  ]

  async function end(): Promise<void> {
    for (const timer of timers) clearInterval(timer)
    const last = next(() => read(0)).then(() => next(write))
    await Promise.race([last, delay(closeMs, undefined, { ref: false })])
    await file.close()
  }
  let closing: Promise<void> | undefined

  return {
    observe: (reports) => void next(() => observe(reports)),
    calls: (id) =>
      next(async () => {
        const at = nowMs()
        const [lastHour, lastDay] = await Promise.all([between(id, at - hourMs, at), between(id, at - dayMs, at)])
        return {
          total: notAfter(ledger.totalOf(id), at),
          lastHour: notAfter(lastHour, at),
          lastDay: notAfter(lastDay, at),
        }
      }),
    samples: (query) => file.list(query),
    warning: () => warning,
    close: () => (closing ??= end()),
  }
}
