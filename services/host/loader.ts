import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Config } from './config.ts'
import { startErrand } from './errand.ts'
import { fastSpec, rigLimits, safeRequest, type Verified, verifiedBy, verifyRequest } from './load-request.ts'
import type { PluginManifest } from './manifest.ts'
import { resolveArtefact } from './manifest-artefact.ts'
import { readPluginConfig } from './plugin-config.ts'
import { type PlannedPlugin, runs } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

/** How often loading that a missing service interrupted is tried again, ms; its coming back is heard of at once. */
const retryMs = 1000

/** What became of bringing a plugin to the service that runs it. */
export type Outcome =
  | { readonly kind: 'loading' }
  /** A service that is needed does not answer: it is tried again. `detail` is a code and a sentence. */
  | { readonly kind: 'waiting'; readonly detail: string }
  /** The service has it and reports on it. `detail` is a warning, or empty. */
  | { readonly kind: 'placed'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }

export interface LoaderNeeds {
  readonly plan: readonly PlannedPlugin[]
  readonly config: Frozen<Config>
  readonly services: Pick<PluginServices, 'verify' | 'loadSafe' | 'setChain'>
  readonly isServing: (service: string) => boolean
  readonly log: Logger
}

/** Brings the plugins that are to run to the services that run them, and again when such a service was restarted. */
export interface Loader {
  /** A service has become SERVING. */
  serving(service: string): void
  outcomeOf(plugin: PlannedPlugin): Outcome
  /** Resolves when everything that can be done now is done. */
  settled(): Promise<void>
  /** Loads no more. May be called twice. */
  close(): void
}

/** A plugin that is to run and has a manifest to run by. */
type Runnable = PlannedPlugin & { readonly manifest: Frozen<PluginManifest> }

const isRunnable = (plugin: PlannedPlugin): plugin is Runnable => runs(plugin) && plugin.manifest !== null

function outcomeOfFailure(cause: unknown): Outcome {
  if (!(cause instanceof RigError)) return { kind: 'failed', detail: 'an internal error, which the log has' }
  return { kind: cause.code === 'SERVICE_UNAVAILABLE' ? 'waiting' : 'failed', detail: cause.message }
}

/** Why something waits for a service. */
export const serviceMissing = (service: string): RigError =>
  new RigError('SERVICE_UNAVAILABLE', `${service} does not run; it is being started`)

/** The service knows only the verified copy; the operator wants to know which file it is a copy of. */
const namePlace =
  (artefact: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof RigError) || cause.code === 'SERVICE_UNAVAILABLE') throw cause
    throw new RigError(cause.code, `${artefact}: ${cause.detail}`, { cause })
  }

export function createLoader({ plan, config, services, isServing, log }: LoaderNeeds): Loader {
  const runnable = plan.filter(isRunnable)
  const safe = runnable.filter((plugin) => plugin.manifest.pluginClass === 'Safe')
  const fast = runnable.filter((plugin) => plugin.manifest.pluginClass === 'Fast')
  for (const { directory, manifest } of runnable) {
    for (const warning of manifest.warnings) log.warn({ plugin: directory, warning }, 'manifest')
  }
  const outcomes = new Map<string, Outcome>()
  const outcomeOf = ({ directory }: PlannedPlugin): Outcome => outcomes.get(directory) ?? { kind: 'loading' }
  const isOpen = (plugin: PlannedPlugin): boolean => ['loading', 'waiting'].includes(outcomeOf(plugin).kind)
  let chainIsDue = true

  function needServing(service: string): void {
    if (!isServing(service)) throw serviceMissing(service)
  }

  function conclude(plugin: Runnable, outcome: Outcome, cause?: unknown): void {
    outcomes.set(plugin.directory, outcome)
    if (outcome.kind === 'waiting') return // the supervisor tells of services that are missing
    const internal = cause instanceof RigError ? undefined : cause
    log[outcome.kind === 'failed' ? 'warn' : 'info']({ plugin: plugin.directory, ...outcome, err: internal }, 'plugin')
  }

  /** A plugin that fails is its own affair. */
  async function attempt<T>(plugin: Runnable, act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (cause) {
      conclude(plugin, outcomeOfFailure(cause), cause)
      return undefined
    }
  }

  async function verify({ path, manifest }: Runnable): Promise<Verified> {
    needServing('trust')
    const request = verifyRequest(resolveArtefact(path, manifest.artefact), manifest, config.plugins.native)
    return verifiedBy(await services.verify(request))
  }

  const configJson = ({ path, manifest }: Runnable): string =>
    JSON.stringify(readPluginConfig(path, manifest.configSchema as object | null))

  async function loadSafe(plugin: Runnable): Promise<void> {
    needServing('wasm-runner')
    const verified = await verify(plugin)
    const request = safeRequest(plugin.manifest, verified, configJson(plugin), plan.indexOf(plugin))
    await services.loadSafe(request).catch(namePlace(join(plugin.path, plugin.manifest.artefact)))
    conclude(plugin, { kind: 'placed', detail: verified.warning })
  }

  async function loadSafes(): Promise<'done' | 'unfinished'> {
    await Promise.all(safe.filter(isOpen).map((plugin) => attempt(plugin, () => loadSafe(plugin))))
    return safe.some(isOpen) ? 'unfinished' : 'done'
  }

  async function link(plugin: Runnable) {
    needServing('dsp-helper')
    const verified = await verify(plugin)
    const { native } = config.plugins
    const spec = fastSpec(plugin.manifest, verified, configJson(plugin), realpathSync(plugin.path), native)
    return { plugin, verified, spec }
  }

  async function setChain(): Promise<'done' | 'unfinished'> {
    if (!chainIsDue) return 'done'
    const links = await Promise.all(fast.map((plugin) => attempt(plugin, () => link(plugin))))
    // The chain is replaced whole: one without a plugin that trust cannot judge now would end it, and it may be running.
    if (fast.some((plugin, index) => links[index] === undefined && isOpen(plugin))) return 'unfinished'
    const chain = links.filter((each) => each !== undefined)
    try {
      needServing('dsp-helper')
      await services.setChain({ plugins: chain.map(({ spec }) => spec), limits: rigLimits(config) })
      for (const { plugin, verified } of chain) conclude(plugin, { kind: 'placed', detail: verified.warning })
    } catch (cause) {
      const outcome = outcomeOfFailure(cause)
      for (const { plugin } of chain) conclude(plugin, outcome, cause)
      if (outcome.kind === 'waiting') return 'unfinished'
      if (chain.length === 0) log.error({ err: cause }, 'the limits of the rig were refused')
    }
    chainIsDue = false
    return 'done'
  }

  const errands = { safe: startErrand(loadSafes, retryMs), fast: startErrand(setChain, retryMs) }

  function serving(service: string): void {
    if (service === 'wasm-runner') for (const { directory } of safe) outcomes.delete(directory)
    if (service === 'dsp-helper') chainIsDue = true
    if (service !== 'dsp-helper') errands.safe.ask()
    if (service !== 'wasm-runner') errands.fast.ask()
  }

  return {
    serving,
    outcomeOf,
    settled: async () => {
      await Promise.all([errands.safe.idle(), errands.fast.idle()])
    },
    close() {
      errands.safe.close()
      errands.fast.close()
    },
  }
}
