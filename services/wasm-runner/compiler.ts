import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type FailureCode, RigError } from '../../rpc/failure.ts'
import { type CallMark, wordsOfId } from './call-record.ts'
import { createCodeCache } from './code-cache.ts'
import { type CodeLimits, checkModuleBytes, type PluginCode } from './compile.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { createQueue } from './queue.ts'

/**
 * Longest that a module may take, ms. 50 MB take 2.6 s on the two cores of the development machine, a sample 10 ms; the
 * host waits 20 s for a load, and another one may be before it.
 */
const standardDeadlineMs = 8000
/** Heap of the thread, MiB. Code is read with a multiple of its size; who needs more than this ends the thread, and no more. */
const standardHeapMiB = 1024

/** To the thread. */
export interface CompileJob {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly limits: CodeLimits
}

/** From the thread, one for each job. */
export type CompileAnswer =
  | { readonly kind: 'compiled'; readonly code: PluginCode }
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }

/** Makes code of plugins' bytes, on a thread of its own, one module at a time. */
export interface Compiler {
  /**
   * Rejects with PLUGIN_INVALID: for what compile.ts refuses, and for what takes longer than the deadline. The bytes,
   * whose SHA-256 the caller has checked, belong to the compiler from then on.
   */
  compile(bytes: Uint8Array<ArrayBuffer>, spec: CodeLimits & Pick<PluginSpec, 'sha256' | 'id'>): Promise<PluginCode>
  /** Ends the thread, whatever it does. May be called twice. */
  close(): Promise<void>
}

const keyOf = (sha256: string, { memoryBytes, entryPoints }: CodeLimits): string =>
  JSON.stringify([sha256, memoryBytes, entryPoints.process, entryPoints.initialize, entryPoints.shutdown])

/** Resolves with the answer to the one job that the thread has; rejects when it ends before, or when `signal` says so. */
async function answerOf(thread: Worker, signal: AbortSignal): Promise<CompileAnswer> {
  try {
    const [answer] = (await once(thread, 'message', { signal })) as [CompileAnswer] // rejects on 'error', too
    return answer
  } catch (cause) {
    signal.throwIfAborted()
    const what = `the module cannot be compiled (${(cause as Error).message}); build it smaller`
    throw new RigError('PLUGIN_INVALID', what, { cause })
  }
}

export interface CompilerBounds {
  readonly deadlineMs?: number
  readonly heapMiB?: number
  /** Of the call record, which says what is compiled. */
  readonly mark?: CallMark
}

/** Its thread starts at once, and again with the first module after it had to be ended. */
export function startCompiler(bounds: CompilerBounds = {}): Compiler {
  const { deadlineMs = standardDeadlineMs, heapMiB = standardHeapMiB, mark } = bounds
  const cache = createCodeCache()
  const closed = new AbortController()
  let thread: Worker | undefined
  const queue = createQueue()

  const startThread = (): Worker => {
    // The built package has .js files, the checkout .ts.
    const entry = new URL(`./compile-thread${extname(import.meta.url)}`, import.meta.url)
    const started = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
    started.on('error', () => {}) // told to the job that it had, if it had one
    started.once('exit', () => {
      if (thread === started) thread = undefined
    })
    started.unref()
    return started
  }

  thread = startThread()

  const endThread = async (): Promise<void> => {
    const ending = thread
    thread = undefined
    await ending?.terminate()
  }

  const ask = async (job: CompileJob): Promise<CompileAnswer> => {
    const late = new AbortController()
    const timer = setTimeout(() => {
      const what = `the module was not compiled within ${deadlineMs} ms`
      late.abort(new RigError('PLUGIN_INVALID', `${what}; build it smaller, and of smaller functions`))
    }, deadlineMs)
    thread ??= startThread()
    try {
      const answer = answerOf(thread, AbortSignal.any([late.signal, closed.signal]))
      thread.postMessage(job, [job.bytes.buffer])
      return await answer
    } catch (cause) {
      await endThread()
      throw cause
    } finally {
      clearTimeout(timer)
    }
  }

  const compileNow: Compiler['compile'] = async (bytes, { id, sha256, memoryBytes, entryPoints }) => {
    closed.signal.throwIfAborted()
    const limits = { memoryBytes, entryPoints }
    const key = keyOf(sha256, limits)
    const known = cache.get(key)
    if (known !== undefined) return known
    const size = bytes.length
    mark?.begin(wordsOfId(id), 'compile')
    const answer = await ask({ bytes, limits }).finally(() => mark?.end())
    if (answer.kind === 'refused') throw new RigError(answer.code, answer.detail)
    cache.put(key, answer.code, size)
    return answer.code
  }

  return {
    async compile(bytes, spec) {
      checkModuleBytes(bytes.length)
      return queue.act(() => compileNow(bytes, spec))
    },
    async close() {
      closed.abort(new RigError('SERVICE_UNAVAILABLE', 'the runner is closing; load the plugin again'))
      await queue.idle()
      await endThread()
    },
  }
}
