import type { Logger } from 'pino'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { takeTurns } from '../../supervision/take-turns.ts'
import type { Abi } from './abi.ts'
import { asOnCall, asTicking } from './abi-use.ts'
import { readArtefact } from './artefact.ts'
import { endedInside, keyOfId, openCallMark, openCallRecord } from './call-record.ts'
import type { PluginCode } from './compile.ts'
import { startCompiler } from './compiler.ts'
import { type ExecutorThreads, startExecutorThreads } from './executor-threads.ts'
import type { TickEntry } from './ledger.ts'
import { createNetworkDesk, type NetworkDesk } from './network-desk.ts'
import { createOnCallPlugins, type OnCallPlugins } from './on-call-plugins.ts'
import { type OnCallSpec, standardCallFuel } from './on-call-spec.ts'
import { createPluginLife, type PluginLife } from './plugin-life.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { PluginTerms } from './plugin-terms.ts'
import type { Violation } from './violation.ts'

export interface RunnerOptions {
  /** The rig's shared memory directory. */
  readonly shmDir: string
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  readonly log: Logger
  /** Where plugins' own lines go. */
  readonly guestLog: Logger
  /** See executor-worker.ts. */
  readonly unitsPerUs?: number
  readonly unguarded?: boolean
  /** Instructions of a call of a plugin that is called, in place of the usual number: for tests of what happens then. */
  readonly callFuel?: number
  readonly heapMiB?: number
  /** Hears of every tick of every plugin, some time after it: for who measures. */
  readonly onTick?: (entry: TickEntry) => void
}

/** The Safe plugins of a rig. */
export interface Runner extends Pick<OnCallPlugins, 'runAction' | 'runInput'>, Pick<NetworkDesk, 'carry'> {
  /**
   * Loads a plugin and ticks it from then on. One with this id that runs already goes on until the new one is ready.
   * Rejects with FILE_MISSING, PLUGIN_UNTRUSTED, PLUGIN_INVALID or PLUGIN_FAILED; then nothing has changed.
   */
  load(spec: PluginSpec): Promise<Abi>
  /** Loads a plugin that runs when somebody asks. Rejects as load does; then nothing has changed. */
  loadOnCall(spec: OnCallSpec): Promise<Abi>
  /**
   * Changes the terms of a plugin that is loaded; resolves when they are in force, before its next tick. Rejects with
   * PLUGIN_UNKNOWN or REQUEST_INVALID; then nothing has changed.
   */
  adjust(id: string, terms: PluginTerms): Promise<void>
  /** Ends a plugin, of either kind. Repeats safely. */
  unload(id: string): Promise<void>
  /** In the order of their ids. `brief`: without statistics. */
  list(brief?: boolean): readonly SafePlugin[]
  /** Ends every plugin, then the threads. May be called twice. */
  close(): Promise<void>
}

/** What a plugin is charged with that was running when this process's predecessor ended. */

async function openExecutor(options: RunnerOptions, lives: ReadonlyMap<number, PluginLife>): Promise<ExecutorThreads> {
  return startExecutorThreads({
    ...options,
    events: {
      onTick(entry) {
        lives.get(entry.ticket)?.ticked(entry)
        options.onTick?.(entry)
      },
      onViolation: (ticket, violation) => lives.get(ticket)?.violated(violation),
      onLost: (ticket, detail) => lives.get(ticket)?.lost(detail),
      onMoved: (ticket) => lives.get(ticket)?.moved(),
      onNetwork: (ticket, word, answer) => lives.get(ticket)?.asked(word, answer),
      onLog: ({ ticket, level, line }) => options.guestLog[level]({ plugin: lives.get(ticket)?.view(true).id }, line),
    },
  })
}

/** Starts the executor. Rejects when the rig's shared memory cannot be opened. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { log } = options
  const record = openCallRecord(options.shmDir)
  const unfinished = new Map(record.takeUnfinished())
  /** Digests of what the process before this one ended over while it compiled it, by the same keys. */
  const fatal = new Map<string, string>()
  const lives = new Map<number, PluginLife>()
  const plugins = new Map<string, PluginLife>()
  const compiler = startCompiler({ mark: openCallMark(options.shmDir, record.claim()) })
  const executor = await openExecutor(options, lives).catch(async (cause) => {
    await compiler.close()
    throw cause
  })
  const desk = createNetworkDesk()
  const onCall = createOnCallPlugins({ ...options, desk, fuel: options.callFuel ?? standardCallFuel })
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

  const unloadTicking = async (id: string): Promise<void> => {
    const life = plugins.get(id)
    if (life === undefined) return
    plugins.delete(id)
    await life.end()
    lives.delete(life.ticket)
  }

  const unload = async (id: string): Promise<void> => {
    await Promise.all([unloadTicking(id), onCall.unload(id)])
  }

  const endAll = async (): Promise<void> => {
    await Promise.all([onCall.close(), ...[...plugins.keys()].map((id) => inTurn(id, () => unload(id)))])
    await Promise.all([executor.close(), compiler.close()])
  }

  /** Not again: the process would end again, and every plugin with it. What is asked for first is what was compiled then. */
  const isFatal = ({ id, sha256 }: PluginSpec | OnCallSpec): boolean => {
    const key = keyOfId(id)
    if (unfinished.get(key)?.work !== 'compile') return false
    const bytes = fatal.get(key) ?? sha256
    fatal.set(key, bytes)
    return bytes === sha256
  }

  const compile = async (spec: PluginSpec | OnCallSpec): Promise<PluginCode> => {
    const bytes = await readArtefact(spec.path, spec.sha256)
    if (!isFatal(spec)) return compiler.compile(bytes, spec)
    const what = `the process of the Safe plugins ended while it compiled ${spec.name}`
    throw new RigError('PLUGIN_FAILED', `${what}; install another build of it, or start the rig again`)
  }

  /** What the process before this one ended in is charged once. */
  const chargeUnfinished = ({ id, name }: PluginSpec | OnCallSpec, charge: (violation: Violation) => void): void => {
    const key = keyOfId(id)
    const ended = unfinished.get(key)
    if (ended?.work !== 'call') return
    unfinished.delete(key)
    log.warn({ plugin: id, name }, endedInside)
    charge({ kind: 'crash', detail: endedInside, counted: ended.isCounted })
  }

  return {
    load: (spec) =>
      inTurn(spec.id, async () => {
        const code = await compile(spec)
        const abi = asTicking(code.abi, spec.operations)
        const clocks = { now: () => performance.now(), wallMs: Date.now }
        const names = { ticket: ++lastTicket, life: process.hrtime.bigint() }
        const life = createPluginLife({ ...names, spec, code, executor, desk, log, ...clocks })
        await replace(spec.id, life)
        await onCall.retire(spec.id)
        chargeUnfinished(spec, life.violated)
        log.info({ plugin: spec.id, name: spec.name, abi }, 'loaded')
        return abi
      }),
    loadOnCall: (spec) =>
      inTurn(spec.id, async () => {
        const code = await compile(spec)
        const abi = asOnCall(code.abi)
        await onCall.load(spec, code, abi)
        await unloadTicking(spec.id)
        chargeUnfinished(spec, (violation) => onCall.charge(spec.id, violation))
        log.info({ plugin: spec.id, name: spec.name, abi }, 'loaded')
        return abi
      }),
    runAction: onCall.runAction,
    runInput: onCall.runInput,
    carry: desk.carry,
    adjust: (id, terms) =>
      inTurn(id, async () => {
        const life = plugins.get(id)
        if (life === undefined) onCall.adjust(id, terms)
        else await life.adjust(terms)
        const { rateHz, capabilities } = terms
        log.info({ plugin: id, rateHz, capabilities }, 'adjusted')
      }),
    unload: (id) => inTurn(id, () => unload(id)),
    list: (brief = false) => {
      executor.drain()
      const views = [...[...plugins.values()].map((life) => life.view(brief)), ...onCall.views(brief)]
      return views.sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    close: () => (closing ??= endAll()),
  }
}
