import { join } from 'node:path'
import { type Confinement, Plugin, PluginClass, PluginGoal, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { PluginStatistics, Violation } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SelfDescription } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { fastStanding, type Standing } from './fast-standing.ts'
import { grantMessages } from './grant-message.ts'
import { serviceMissing } from './judge.ts'
import type { Loader } from './loader.ts'
import type { LoopWatch } from './loop-watch.ts'
import { pluginNamed } from './named-plugin.ts'
import type { PluginGrants } from './plugin-grants.ts'
import type { PluginLives } from './plugin-lives.ts'
import { isFast, type Plan, type PlannedPlugin } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import { type Goal, type PluginLife, type PluginStateWord, type ReportedState, refusalOf } from './plugin-state.ts'

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
  /** What services say of their plugins, from whoever asked them: the last word on those that end. */
  heard(reports: readonly Report[]): void
  /** By its id, directory or name. Throws as pluginNamed(). */
  get(name: string): Promise<Plugin>
}

export interface PluginListNeeds {
  readonly plan: Pick<Plan, 'plugins'>
  readonly lives: Pick<PluginLives, 'of' | 'tell'>
  readonly grants: Pick<PluginGrants, 'decide'>
  readonly loader: Pick<Loader, 'judgedIn' | 'whatRunsIn'>
  readonly services: Pick<PluginServices, 'listSafe' | 'listFast'>
  readonly isServing: (service: string) => boolean
  readonly loop: Pick<LoopWatch, 'complaint'>
  /** Path of the file that the processes of Fast plugins write to. */
  readonly dataPlaneLog: string
}

const stateOf: Readonly<Record<PluginStateWord, PluginState>> = {
  available: PluginState.PLUGIN_STATE_AVAILABLE,
  verified: PluginState.PLUGIN_STATE_VERIFIED,
  loaded: PluginState.PLUGIN_STATE_LOADED,
  enabled: PluginState.PLUGIN_STATE_ENABLED,
  running: PluginState.PLUGIN_STATE_RUNNING,
  throttled: PluginState.PLUGIN_STATE_THROTTLED,
  waiting: PluginState.PLUGIN_STATE_WAITING,
  quarantined: PluginState.PLUGIN_STATE_QUARANTINED,
  disabled: PluginState.PLUGIN_STATE_DISABLED,
  failed: PluginState.PLUGIN_STATE_FAILED,
  unsupported: PluginState.PLUGIN_STATE_UNSUPPORTED,
}

const goalOf: Readonly<Record<Goal, PluginGoal>> = {
  running: PluginGoal.PLUGIN_GOAL_RUNNING,
  loaded: PluginGoal.PLUGIN_GOAL_LOADED,
  available: PluginGoal.PLUGIN_GOAL_AVAILABLE,
  disabled: PluginGoal.PLUGIN_GOAL_DISABLED,
}

/** What a service's word means for a plugin that is to get to `goal`; a service does not know whether it is to be called. */
function reportedState(state: PluginState, goal: Goal): ReportedState {
  switch (state) {
    case PluginState.PLUGIN_STATE_RUNNING:
      return goal === 'loaded' ? 'loaded' : 'running' // one that runs when somebody asks is not asked then
    case PluginState.PLUGIN_STATE_THROTTLED:
      return 'throttled'
    case PluginState.PLUGIN_STATE_WAITING:
      return 'waiting'
    case PluginState.PLUGIN_STATE_FAILED:
      return 'failed'
    default:
      return goal === 'loaded' ? 'loaded' : 'enabled'
  }
}

const detailOf = (life: PluginLife): string =>
  [refusalOf(life), life.detail || life.advice].filter((each) => each !== '').join('; ')

function toMessage(plugin: PlannedPlugin, life: PluginLife, report: Report | undefined): Plugin {
  const { directory, manifest, goal, unsupported } = plugin
  const stands = {
    state: stateOf[life.state],
    detail: detailOf(life),
    goal: goalOf[goal],
    stateSinceUnixMs: BigInt(life.sinceMs),
  }
  if (manifest === null) {
    const { name = '', version = '' } = unsupported ?? {}
    return Plugin.fromPartial({ name, version, directory, ...stands })
  }
  // Without a manifest of its own it is what it says that it is.
  const said = manifest.version === '' ? report?.described : undefined
  return Plugin.fromPartial({
    ...stands,
    id: manifest.id,
    name: said?.name || manifest.name,
    version: said?.version ?? manifest.version,
    pluginClass: isFast(plugin) ? PluginClass.PLUGIN_CLASS_FAST : PluginClass.PLUGIN_CLASS_SAFE,
    directory,
    updateRateHz: manifest.constraints.updateRateHz,
    ...(report?.statistics && { statistics: report.statistics }),
    violations: [...(report?.violations ?? [])],
    ...(report?.confinement && { confinement: report.confinement }),
  })
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function createPluginList(needs: PluginListNeeds): PluginList {
  const { plan, lives, grants, loader, services, isServing, loop, dataPlaneLog } = needs
  let safe: readonly Report[] = []
  let fast: readonly Report[] = []
  let loopComplaint: string | undefined
  /** By id, also of those that have ended since: why they did is in it. */
  const last = new Map<string, Report>()

  function heard(reports: readonly Report[]): void {
    for (const report of reports) {
      const statistics = report.statistics ?? last.get(report.id)?.statistics
      last.set(report.id, { ...report, statistics })
    }
  }

  async function refresh(): Promise<void> {
    const [newSafe, newFast, newComplaint] = await Promise.all([
      isServing('wasm-runner') ? services.listSafe().catch(() => safe) : safe,
      isServing('dsp-helper') ? services.listFast().catch(() => fast) : fast,
      loop.complaint(),
    ])
    safe = newSafe
    fast = newFast
    loopComplaint = newComplaint
    heard(safe)
    heard(fast)
    const ids = new Set(plan.plugins().map(({ manifest }) => manifest?.id))
    for (const id of last.keys()) if (!ids.has(id)) last.delete(id)
  }

  function reported(plugin: PlannedPlugin, report: Report | undefined): Standing | undefined {
    if (report === undefined || plugin.manifest === null || !isFast(plugin)) return report
    const artefact = join(plugin.path, plugin.manifest.artefact)
    return fastStanding(report, { artefact, dataPlaneLog, loopComplaint })
  }

  function observe(plugin: PlannedPlugin, report: Report | undefined): void {
    const { directory, goal } = plugin
    // Safe plugins end with their service. Fast ones are the data plane's, which goes on.
    if (!isFast(plugin) && !isServing('wasm-runner')) {
      // What was refused is judged again with the next one; until then why it was is what counts.
      if (!plugin.wanted || lives.of(directory).state === 'failed') return
      lives.tell(directory, { kind: 'missing', detail: serviceMissing('wasm-runner').message })
      return
    }
    const stands = reported(plugin, report)
    if (stands === undefined) return
    lives.tell(directory, { kind: 'reported', state: reportedState(stands.state, goal), detail: stands.detail })
  }

  const lastOf = ({ problem, manifest }: PlannedPlugin): Report | undefined =>
    problem === null && manifest !== null ? last.get(manifest.id) : undefined

  /** As it runs, where something of it does: what lies on the disk by now may have been refused. */
  function asItRuns(plugin: PlannedPlugin): PlannedPlugin {
    const runs = plugin.problem === null ? loader.whatRunsIn(plugin.directory) : undefined
    return runs === undefined ? plugin : { ...plugin, manifest: runs.manifest }
  }

  function show(found: PlannedPlugin): Plugin {
    const plugin = asItRuns(found)
    const reports = isFast(plugin) ? fast : safe
    // A plugin whose id another one has is not the one that the report is about.
    const report = plugin.problem === null ? reports.find(({ id }) => id === plugin.manifest?.id) : undefined
    observe(plugin, report)
    const sha256 = loader.whatRunsIn(plugin.directory)?.sha256 ?? loader.judgedIn(plugin.directory)
    return {
      ...toMessage(plugin, lives.of(plugin.directory), report ?? lastOf(plugin)),
      grants: grantMessages(plugin, (it) => grants.decide(it, sha256 ?? null)),
      artefactSha256: sha256 ?? '',
    }
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
    heard,
    async get(name) {
      await refresh()
      return show(pluginNamed(plan.plugins(), name))
    },
  }
}
