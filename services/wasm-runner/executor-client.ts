import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import type { Report, StartOrder, ThreadRole } from './executor-messages.ts'
import type { Assignment, ExecutorWorker, WorkerEnd } from './executor-worker.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'
import type { PluginTerms } from './plugin-terms.ts'
import type { Spare } from './spare.ts'
import type { Violation } from './violation.ts'

/** How long to wait before a thread is started in place of one that ended for no plugin's fault, ms. */
const threadRetryMs = 1000

const stoppedEarly = 'it was stopped before it was ready'

export interface ExecutorEvents extends Pick<Assignment, 'onTick'> {
  /** A plugin did what it must not do, but for ticks beyond its budget: those onTick tells. Its loss is told apart. */
  onViolation(ticket: number, violation: Violation): void
  /** A plugin that ran is gone: it trapped, it was stuck, or it did not come back after the executor was replaced. */
  onLost(ticket: number, detail: string): void
  /** A plugin was started again, without any fault of its own, because the executor was replaced. */
  onMoved(ticket: number): void
  /** This plugin's code was running when the thread had to be ended. Its loss is told apart from this, and later. */
  onCaught(order: StartOrder): void
  onLog(report: Extract<Report, { kind: 'log' }>): void
  /** A plugin asks for something of the network. Answers go to the thread that it runs on now. */
  onNetwork(ticket: number, word: NetworkWord, answer: (news: NetworkNews) => void): void
}

/** The plugins that run, on whatever thread. A thread that is stuck is ended, and all but the guilty plugin move on. */
export interface ExecutorClient {
  /** Resolves when the plugin is ready and ticks. Rejects with PLUGIN_FAILED. */
  start(order: StartOrder): Promise<void>
  /**
   * Resolves when the plugin, on whatever thread, runs on these terms; at once when it does not run. The one that was
   * asked for before must be over.
   */
  adjust(ticket: number, terms: PluginTerms): Promise<void>
  /** Resolves when the plugin is gone, in an orderly way or not. Repeats safely. */
  stop(ticket: number): Promise<void>
  /** Ends a plugin that runs as if it were lost, with this detail. Nothing happens to one that does not run here. */
  evict(ticket: number, detail: string): void
  /** Has the answers of the suspects' thread taken over, now and by every thread that follows this one. */
  relay(): void
  /** Reports every tick that was counted so far. */
  drain(): void
  /** Ends the thread and what runs on it. May be called twice. */
  close(): Promise<void>
}

export interface ClientOptions {
  readonly role: ThreadRole
  readonly spare: Pick<Spare, 'take'>
  readonly events: ExecutorEvents
  readonly log: Logger
}

/** A plugin that runs or is to run. */
interface Held {
  /** As it would be started again. */
  order: StartOrder
  /** Until it has started. */
  starting: PromiseWithResolvers<void> | undefined
  /** While its terms change. */
  adjusting: PromiseWithResolvers<void> | undefined
  /** Once it was asked to stop. */
  stopping: PromiseWithResolvers<void> | undefined
  /** Why it was evicted. */
  evicted: string | undefined
}

/** Starts the executor. Rejects when the rig's shared memory cannot be opened. */
export async function startExecutor({ role, spare, events, log }: ClientOptions): Promise<ExecutorClient> {
  const held = new Map<number, Held>()
  let worker: ExecutorWorker | undefined
  let relaying = false
  let replacing: Promise<void> | undefined
  let closing: Promise<void> | undefined
  const closed = new AbortController()

  const onStarted = (ticket: number): void => {
    const plugin = held.get(ticket)
    if (plugin === undefined) return
    if (plugin.order.replaces !== undefined) held.delete(plugin.order.replaces)
    plugin.starting?.resolve()
    plugin.starting = undefined
  }

  const onAdjusted = (plugin: Held | undefined): void => {
    plugin?.adjusting?.resolve()
    if (plugin !== undefined) plugin.adjusting = undefined
  }

  /** The plugin is gone; whoever waits for it is told. Returns whether somebody did. */
  const forget = (ticket: number, failure: RigError): boolean => {
    const plugin = held.get(ticket)
    held.delete(ticket)
    onAdjusted(plugin)
    plugin?.starting?.reject(failure)
    plugin?.stopping?.resolve()
    return plugin?.starting !== undefined || plugin?.stopping !== undefined
  }

  const drop = (ticket: number, failure: RigError): void => {
    const unexpected = held.has(ticket) && !forget(ticket, failure)
    if (unexpected) events.onLost(ticket, failure.detail)
  }

  const onReport = (report: Report, from: () => ExecutorWorker | undefined): void => {
    switch (report.kind) {
      case 'started':
        onStarted(report.ticket)
        break
      case 'refused':
        events.onViolation(report.ticket, report.violation)
        drop(report.ticket, new RigError('PLUGIN_FAILED', report.detail))
        break
      case 'lost':
        events.onViolation(report.ticket, report.violation)
        drop(report.ticket, new RigError('PLUGIN_FAILED', report.violation.detail))
        break
      case 'stopped':
        drop(report.ticket, new RigError('PLUGIN_FAILED', held.get(report.ticket)?.evicted ?? stoppedEarly))
        break
      case 'adjusted':
        onAdjusted(held.get(report.ticket))
        break
      case 'log':
        events.onLog(report)
        break
      case 'violated':
        events.onViolation(report.ticket, report.violation)
        break
      case 'network':
        events.onNetwork(report.ticket, report.word, (news) => from()?.send({ kind: 'network', news }))
        break
      case 'warm':
      case 'ready':
      case 'unable': // Only before the thread is ready; executor-worker.ts has read it.
    }
  }

  const takeWorker = async (): Promise<void> => {
    const taken = await spare.take()
    let assigned: ExecutorWorker | undefined
    assigned = await taken.assign({
      role,
      onReport: (report) => onReport(report, () => assigned),
      onTick: events.onTick,
      onDropped: (ticks) =>
        log.warn({ ticks }, 'the statistics lack some ticks: this process was not scheduled for long'),
    })
    worker = assigned
    void worker.ended.then((end) => {
      replacing = replaceWorker(end)
    })
    if (relaying) worker.send({ kind: 'relay' })
    for (const { order } of held.values()) worker.send({ kind: 'start', ...order })
  }

  const pause = (): Promise<void> => delay(threadRetryMs, undefined, { signal: closed.signal }).catch(() => undefined)

  const moveOn = (ticket: number, plugin: Held, end: WorkerEnd): void => {
    onAdjusted(plugin) // no code of it runs, and it is started again on its new terms
    if (ticket === end.executing) {
      events.onCaught(plugin.order)
      events.onViolation(ticket, { kind: end.charge, detail: end.reason })
    }
    const blamed = end.executing === undefined ? plugin.starting !== undefined : ticket === end.executing
    if (blamed || plugin.stopping !== undefined || plugin.evicted !== undefined) {
      const detail = plugin.evicted ?? `${plugin.order.spec.name}: ${end.reason}`
      drop(ticket, new RigError('PLUGIN_FAILED', detail))
    } else if (plugin.starting === undefined) events.onMoved(ticket)
  }

  const replaceWorker = async (end: WorkerEnd): Promise<void> => {
    worker = undefined
    if (closed.signal.aborted) return
    const endedMs = performance.now()
    log.error({ thread: role, reason: end.reason }, 'the executor is replaced')
    for (const [ticket, plugin] of [...held]) moveOn(ticket, plugin, end)
    if (end.executing === undefined) await pause()
    while (worker === undefined && !closed.signal.aborted) {
      try {
        await takeWorker()
        log.info({ thread: role, tookMs: performance.now() - endedMs }, 'another executor has taken over')
      } catch (cause) {
        log.error({ err: cause }, 'the executor cannot be started; trying again')
        await pause()
      }
    }
  }

  const closeAll = async (): Promise<void> => {
    closed.abort()
    await replacing
    await worker?.close()
    for (const ticket of [...held.keys()]) forget(ticket, new RigError('SERVICE_UNAVAILABLE', 'the runner is closing'))
  }

  await takeWorker()
  return {
    start(order) {
      const starting = Promise.withResolvers<void>()
      held.set(order.ticket, { order, starting, adjusting: undefined, stopping: undefined, evicted: undefined })
      worker?.send({ kind: 'start', ...order })
      return starting.promise
    },
    async adjust(ticket, terms) {
      const plugin = held.get(ticket)
      if (plugin === undefined) return
      plugin.order = { ...plugin.order, terms }
      if (worker === undefined) return
      plugin.adjusting = Promise.withResolvers<void>()
      worker.send({ kind: 'adjust', ticket, terms })
      await plugin.adjusting.promise
    },
    async stop(ticket) {
      const plugin = held.get(ticket)
      if (plugin === undefined) return
      if (worker === undefined) forget(ticket, new RigError('PLUGIN_FAILED', stoppedEarly))
      else if (plugin.stopping === undefined) {
        plugin.stopping = Promise.withResolvers<void>()
        worker.send({ kind: 'stop', ticket })
      }
      await plugin.stopping?.promise
    },
    evict(ticket, detail) {
      const plugin = held.get(ticket)
      if (plugin === undefined || plugin.starting !== undefined || plugin.evicted !== undefined) return
      plugin.evicted = detail
      worker?.send({ kind: 'stop', ticket })
    },
    relay() {
      relaying = true
      worker?.send({ kind: 'relay' })
    },
    drain: () => worker?.drain(),
    close: () => (closing ??= closeAll()),
  }
}
