import type { Logger } from 'pino'
import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Conduct } from './conduct.ts'
import { readFast, readSafe, type ServiceReport } from './conduct-report.ts'
import type { IsServing } from './judge.ts'
import type { PluginServices } from './plugin-services.ts'
import { isServiceGone } from './service-stream.ts'

/** How often the counters of the services are read, ms. */
export const watchEveryMs = 250

export interface ConductWatchNeeds {
  readonly conduct: Pick<Conduct, 'observe' | 'due'>
  readonly services: Pick<PluginServices, 'listSafe' | 'listFast'>
  readonly isServing: IsServing
  readonly everyMs: number
  /** What was read, for who keeps the last word on plugins that end. */
  readonly heard: (reports: readonly (SafePlugin | FastPlugin)[]) => void
  readonly log: Pick<Logger, 'error'>
}

/** Reads what the services count, again and again, for as long as they serve. */
export interface ConductWatch {
  /**
   * Reads once more, from now on, and resolves when what was read is counted: before counters are dropped that go with a
   * load or an unload. A service that does not answer has none. Never rejects.
   */
  look(): Promise<void>
  /** Ends it; resolves when nothing of it is left. May be called twice. */
  close(): Promise<void>
}

/** Looks for the first time at once. */
export function startConductWatch(needs: ConductWatchNeeds): ConductWatch {
  const { conduct, services, isServing, everyMs, heard, log } = needs
  let closed = false
  let last: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let complaint = ''

  /** The same failure is told once, until it is over: it comes four times a second. */
  function complain(cause: unknown): void {
    const said = cause instanceof Error ? cause.message : String(cause)
    if (said !== complaint) log.error({ err: cause }, 'what plugins did is not counted; it is tried again and again')
    complaint = said
  }

  function told<T extends SafePlugin | FastPlugin>(plugins: readonly T[]): readonly T[] {
    heard(plugins)
    return plugins
  }

  /** `broken`: what one of them failed with, where it answers at all. */
  async function read(): Promise<{ readonly reports: readonly ServiceReport[]; readonly broken: unknown }> {
    const answers = await Promise.allSettled([
      ...(isServing('wasm-runner') ? [services.listSafe(true).then(told).then(readSafe)] : []),
      ...(isServing('dsp-helper') ? [services.listFast().then(told).then(readFast)] : []),
    ])
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
    const reports = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    return { reports, broken: failures.find((failure) => !isServiceGone(failure)) }
  }

  async function lookNow(): Promise<void> {
    try {
      conduct.due()
      const { reports, broken } = await read()
      conduct.observe(reports)
      if (broken !== undefined) complain(broken)
      else complaint = ''
    } catch (cause) {
      complain(cause)
    }
  }

  /** One at a time: of two answers that overtake each other the older one would look like counters that began anew. */
  function look(): Promise<void> {
    last = last.then(lookNow)
    return last
  }

  async function keepLooking(): Promise<void> {
    await look()
    if (!closed) timer = setTimeout(() => void keepLooking(), everyMs)
  }
  void keepLooking()

  return {
    look,
    async close() {
      closed = true
      clearTimeout(timer)
      await last
    },
  }
}
