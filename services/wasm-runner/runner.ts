import type { Logger } from 'pino'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { type Abi, recogniseAbi } from './abi.ts'
import { readArtefact } from './artefact.ts'
import { compilePlugin } from './compile.ts'
import { type ExecutorThreads, startExecutorThreads } from './executor-threads.ts'
import { readModuleShape } from './module-shape.ts'
import { createPluginLife, type PluginLife } from './plugin-life.ts'
import type { PluginSpec } from './plugin-spec.ts'

export interface RunnerOptions {
  /** The rig's shared memory directory. */
  readonly shmDir: string
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  readonly log: Logger
  /** Where plugins' own lines go. */
  readonly guestLog: Logger
}

/** The Safe plugins of a rig. */
export interface Runner {
  /**
   * Loads a plugin and ticks it from then on. One with this id that runs already goes on until the new one is ready.
   * Rejects with FILE_MISSING, PLUGIN_UNTRUSTED, PLUGIN_INVALID or PLUGIN_FAILED; then nothing has changed.
   */
  load(spec: PluginSpec): Promise<Abi>
  /** Ends a plugin. Repeats safely. */
  unload(id: string): Promise<void>
  /** In the order of their ids. */
  list(): readonly SafePlugin[]
  /** Ends every plugin, then the executor. May be called twice. */
  close(): Promise<void>
}

/** Does one thing at a time for each id, in the order in which they were asked for. */
function takeTurns() {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(id: string, act: () => Promise<T>): Promise<T> => {
    const turn = (last.get(id) ?? Promise.resolve()).then(act, act)
    last.set(id, turn)
    try {
      return await turn
    } finally {
      if (last.get(id) === turn) last.delete(id)
    }
  }
}

async function compile(spec: PluginSpec): Promise<{ readonly abi: Abi; readonly module: WebAssembly.Module }> {
  const bytes = await readArtefact(spec.path, spec.sha256)
  // Compiled here and not by the executor: V8 does it on threads of its own, the neighbours' ticks do not wait for
  // it, and the code is still there when a thread of the executor is replaced.
  const module = await compilePlugin(bytes)
  return { abi: recogniseAbi(readModuleShape(bytes), spec.entryPoints, spec.memoryBytes), module }
}

async function openExecutor(options: RunnerOptions, lives: ReadonlyMap<number, PluginLife>): Promise<ExecutorThreads> {
  return startExecutorThreads({
    ...options,
    events: {
      onTick: (entry) => lives.get(entry.ticket)?.statistics.count(entry),
      onLost: (ticket, detail) => lives.get(ticket)?.lost(detail),
      onMoved: (ticket) => lives.get(ticket)?.moved(),
      onLog: ({ ticket, level, line }) => options.guestLog[level]({ plugin: lives.get(ticket)?.view().id }, line),
    },
  })
}

/** Starts the executor. Rejects when the rig's shared memory cannot be opened. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { log } = options
  const lives = new Map<number, PluginLife>()
  const plugins = new Map<string, PluginLife>()
  const executor = await openExecutor(options, lives)
  const inTurn = takeTurns()
  let lastTicket = 0
  let closing: Promise<void> | undefined

  const replace = async (id: string, next: PluginLife): Promise<void> => {
    const previous = plugins.get(id)
    lives.set(next.ticket, next)
    previous?.hold(true)
    try {
      await next.start(previous?.ticket)
    } catch (cause) {
      lives.delete(next.ticket)
      previous?.hold(false)
      throw cause
    }
    plugins.set(id, next)
    await previous?.end()
    if (previous !== undefined) lives.delete(previous.ticket)
  }

  const unload = async (id: string): Promise<void> => {
    const life = plugins.get(id)
    if (life === undefined) return
    plugins.delete(id)
    await life.end()
    lives.delete(life.ticket)
  }

  const endAll = async (): Promise<void> => {
    await Promise.all([...plugins.keys()].map((id) => inTurn(id, () => unload(id))))
    await executor.close()
  }

  return {
    load: (spec) =>
      inTurn(spec.id, async () => {
        const { abi, module } = await compile(spec)
        const ticket = ++lastTicket
        const now = (): number => performance.now()
        await replace(spec.id, createPluginLife({ ticket, spec, module, executor, log, now }))
        log.info({ plugin: spec.id, name: spec.name, abi }, 'loaded')
        return abi
      }),
    unload: (id) => inTurn(id, () => unload(id)),
    list: () => {
      executor.drain()
      return [...plugins].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, life]) => life.view())
    },
    close: () => (closing ??= endAll()),
  }
}
