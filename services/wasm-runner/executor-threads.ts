import { type ClientOptions, type ExecutorClient, type ExecutorEvents, startExecutor } from './executor-client.ts'
import type { StartOrder } from './executor-messages.ts'
import { startWorker, type ThreadOptions } from './executor-worker.ts'
import type { TickEntry } from './ledger.ts'
import { createOverruns } from './overrun.ts'
import { keepSpare } from './spare.ts'

export type ExecutorThreads = Omit<ExecutorClient, 'relay' | 'evict'>

export type ThreadsOptions = ThreadOptions &
  Pick<ClientOptions, 'log'> & {
    readonly events: Omit<ExecutorEvents, 'onCaught'>
  }

const unguarded =
  'this Node, or this system, cannot interrupt a plugin that loops: it ends when its fuel does, or after a second with its thread; run the Node that package.json names'

/** What waits for a file system that does not answer cannot be interrupted, and only its thread's end is its own. */
const maySleep = ({ spec }: StartOrder): boolean => spec.fileSystem.length > 0

/**
 * The executor's threads. Plugins run together on the common one until one of them is caught, by the watchdog or
 * with far more CPU time than its budget: from then on its bytes, under whatever id, are started on the suspects'
 * thread, and when they hang again nobody else waits. Those that may use files, and those that can fill the heap that a
 * thread's plugins share, are started there in any case.
 * There they see the same telemetry, and their force and lights come before those of the common thread; mail is not
 * carried from one thread to the other. A third thread waits to take the place of either. Rejects when the rig's shared memory cannot be opened.
 */
export async function startExecutorThreads(options: ThreadsOptions): Promise<ExecutorThreads> {
  const { log } = options
  const caught = new Set<string>()
  /** By ticket, of every plugin that was started and not stopped. */
  const places = new Map<number, { readonly order: StartOrder; readonly client: Promise<ExecutorClient> }>()
  const overruns = createOverruns()
  let suspects: ExecutorClient | undefined
  let opening: Promise<ExecutorClient> | undefined
  let closing: Promise<void> | undefined

  const onCaught = ({ spec }: StartOrder): void => {
    if (caught.has(spec.sha256)) return
    caught.add(spec.sha256)
    log.warn({ plugin: spec.id, name: spec.name }, 'from now on it runs on the thread of the suspects')
  }

  const onTick = (entry: TickEntry): void => {
    options.events.onTick(entry)
    const order = places.get(entry.ticket)?.order
    if (order === undefined) return
    const { id, sha256, budgetUs } = order.spec
    const overrunNs = entry.cpuNs - budgetUs * 1000
    if (overrunNs <= 0) return
    if (overruns.add(`${sha256} ${id}`, overrunNs, performance.now())) onCaught(order)
    if (caught.has(sha256)) common.evict(entry.ticket, `its ticks took far more CPU time than its ${budgetUs} µs`)
  }

  const events = { ...options.events, onTick, onCaught }
  let warned = false
  const warnOnce = (): void => {
    if (!warned) log.warn(unguarded)
    warned = true
  }
  const spare = keepSpare(async (unneeded) => {
    const worker = await startWorker(options, unneeded)
    log.debug('an executor is warm')
    if (!worker.guarded) warnOnce()
    return worker
  })
  const common = await startExecutor({ spare, log, events, role: 'common' }).catch(async (cause) => {
    await spare.close()
    throw cause
  })

  const openSuspects = async (): Promise<ExecutorClient> => {
    try {
      suspects = await startExecutor({ spare, log, events, role: 'suspects' })
      common.relay()
      return suspects
    } catch (cause) {
      opening = undefined // the next start tries again
      throw cause
    }
  }

  /** The thread where it runs. That of the suspects starts with the first of them: many rigs never have one. */
  const clientFor = async (order: StartOrder): Promise<ExecutorClient> => {
    if (!caught.has(order.spec.sha256) && !maySleep(order) && !order.code.makesObjects) return common
    opening ??= openSuspects()
    return opening
  }

  const closeAll = async (): Promise<void> => {
    await opening?.catch(() => undefined)
    await Promise.all([common.close(), suspects?.close()])
    await spare.close()
  }

  return {
    async start(order) {
      const client = clientFor(order)
      places.set(order.ticket, { order, client })
      await (await client).start(order)
    },
    async adjust(ticket, terms) {
      const client = await places.get(ticket)?.client.catch(() => undefined)
      await client?.adjust(ticket, terms)
    },
    async stop(ticket) {
      // A start that still waits for its thread waits for the same promise, and was there first.
      const client = await places.get(ticket)?.client.catch(() => undefined)
      await client?.stop(ticket)
      places.delete(ticket)
    },
    drain() {
      common.drain()
      suspects?.drain()
    },
    close: () => (closing ??= closeAll()),
  }
}
