import { join } from 'node:path'
import { type Confinement, Plugin, PluginClass, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { PluginStatistics, Violation } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SelfDescription } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { fastStanding, type Standing } from './fast-standing.ts'
import { serviceMissing } from './judge.ts'
import type { Loader } from './loader.ts'
import type { LoopWatch } from './loop-watch.ts'
import type { Outcome } from './outcomes.ts'
import { isFast, type Plan, type PlannedPlugin } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

/** What the service that runs a plugin says about it. */
export interface Report {
  readonly id: string
  readonly state: PluginState
  readonly detail: string
  readonly statistics: PluginStatistics | undefined
  readonly violations?: readonly Violation[]
  /** Why what was asked for last does not run, while what ran before does; empty when it runs. */
  readonly refusal?: string
  readonly confinement?: Confinement | undefined
  /** What a plugin that is called says of itself. */
  readonly described?: SelfDescription | undefined
}

/** The plugins of this rig as the API shows them. */
export interface PluginList {
  /** In the order of their ids. Asks the services that run them; of one that does not answer the last word stands. */
  list(): Promise<readonly Plugin[]>
  /** Throws PLUGIN_UNKNOWN. */
  get(idOrDirectory: string): Promise<Plugin>
}

export interface PluginListNeeds {
  readonly plan: Pick<Plan, 'plugins'>
  readonly outcomeOf: Loader['outcomeOf']
  readonly services: Pick<PluginServices, 'listSafe' | 'listFast'>
  readonly isServing: (service: string) => boolean
  readonly loop: Pick<LoopWatch, 'complaint'>
  /** Path of the file that the processes of Fast plugins write to. */
  readonly dataPlaneLog: string
}

const stateOf: Readonly<Record<Outcome['kind'], PluginState>> = {
  loading: PluginState.PLUGIN_STATE_LOADED,
  waiting: PluginState.PLUGIN_STATE_WAITING,
  placed: PluginState.PLUGIN_STATE_LOADED, // until its service reports it
  removed: PluginState.PLUGIN_STATE_AVAILABLE,
  failed: PluginState.PLUGIN_STATE_FAILED,
}

/** How a plugin stands, from what is known about it, the strongest first. */
function standing(
  plugin: PlannedPlugin,
  outcome: Outcome,
  reported: Standing | undefined,
  runnerServes: boolean,
): Standing {
  if (plugin.problem !== null) {
    const { PLUGIN_STATE_FAILED, PLUGIN_STATE_UNSUPPORTED } = PluginState
    const state = plugin.unsupported === undefined ? PLUGIN_STATE_FAILED : PLUGIN_STATE_UNSUPPORTED
    return { state, detail: plugin.problem }
  }
  if (!plugin.wanted) return { state: PluginState.PLUGIN_STATE_AVAILABLE, detail: '' }
  const detail = 'detail' in outcome ? outcome.detail : ''
  if (outcome.kind === 'failed' || outcome.kind === 'removed') return { state: stateOf[outcome.kind], detail }
  // Safe plugins end with their service. Fast ones are the data plane's, which goes on.
  if (!runnerServes && !isFast(plugin)) {
    return { state: PluginState.PLUGIN_STATE_WAITING, detail: serviceMissing('wasm-runner').message }
  }
  if (reported !== undefined)
    return { state: reported.state, detail: reported.detail || (outcome.kind === 'placed' ? detail : '') }
  return { state: stateOf[outcome.kind], detail }
}

function toMessage(plugin: PlannedPlugin, { state, detail }: Standing, report: Report | undefined): Plugin {
  const { directory, manifest, unsupported } = plugin
  if (manifest === null) {
    return Plugin.fromPartial({
      name: unsupported?.name ?? '',
      version: unsupported?.version ?? '',
      directory,
      state,
      detail,
    })
  }
  // Without a manifest of its own it is what it says that it is.
  const said = manifest.version === '' ? report?.described : undefined
  return {
    id: manifest.id,
    name: said?.name || manifest.name,
    version: said?.version ?? manifest.version,
    pluginClass: isFast(plugin) ? PluginClass.PLUGIN_CLASS_FAST : PluginClass.PLUGIN_CLASS_SAFE,
    state,
    detail,
    directory,
    updateRateHz: manifest.constraints.updateRateHz,
    statistics: report?.statistics,
    violations: report?.violations ?? [],
    confinement: report?.confinement,
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function createPluginList(needs: PluginListNeeds): PluginList {
  const { plan, outcomeOf, services, isServing, loop, dataPlaneLog } = needs
  let safe: readonly Report[] = []
  let fast: readonly Report[] = []
  let loopComplaint: string | undefined

  async function refresh(): Promise<void> {
    const [newSafe, newFast, newComplaint] = await Promise.all([
      isServing('wasm-runner') ? services.listSafe().catch(() => safe) : safe,
      isServing('dsp-helper') ? services.listFast().catch(() => fast) : fast,
      loop.complaint(),
    ])
    safe = newSafe
    fast = newFast
    loopComplaint = newComplaint
  }

  function reported(plugin: PlannedPlugin, report: Report | undefined): Standing | undefined {
    if (report === undefined || plugin.manifest === null || !isFast(plugin)) return report
    const artefact = join(plugin.path, plugin.manifest.artefact)
    return fastStanding(report, { artefact, dataPlaneLog, loopComplaint })
  }

  function show(plugin: PlannedPlugin): Plugin {
    const reports = isFast(plugin) ? fast : safe
    // A plugin whose id another one has is not the one that the report is about.
    const report = plugin.problem === null ? reports.find(({ id }) => id === plugin.manifest?.id) : undefined
    const stands = standing(plugin, outcomeOf(plugin), reported(plugin, report), isServing('wasm-runner'))
    return toMessage(plugin, stands, report)
  }

  async function list(): Promise<readonly Plugin[]> {
    await refresh()
    return plan
      .plugins()
      .map(show)
      .sort((a, b) => compare(a.id, b.id) || compare(a.directory, b.directory))
  }

  return {
    list,
    async get(idOrDirectory) {
      const plugins = await list()
      const id = idOrDirectory.toLowerCase()
      const named = plugins.filter((plugin) => plugin.id === id && id !== '')
      const healthy = named.find((plugin) => plugin.state !== PluginState.PLUGIN_STATE_FAILED)
      const found = healthy ?? named[0] ?? plugins.find((plugin) => plugin.directory === idOrDirectory)
      if (found !== undefined) return found
      throw new RigError(
        'PLUGIN_UNKNOWN',
        `no installed plugin has the id or directory ${JSON.stringify(idOrDirectory.slice(0, 64))}; list the plugins to see which there are`,
      )
    },
  }
}
