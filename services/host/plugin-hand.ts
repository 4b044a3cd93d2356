import { parseFailure, RigError } from '../../rpc/failure.ts'
import { grantDigest, riskIn, whatItAllows } from './capability-grants.ts'
import type { CapabilityWords } from './capability-words.ts'
import type { Discovery } from './discovery.ts'
import type { Loader } from './loader.ts'
import type { Capability } from './manifest-schema.ts'
import { pluginNamed } from './named-plugin.ts'
import type { PluginGoals } from './plugin-goals.ts'
import { type PluginLives, tellPlan } from './plugin-lives.ts'
import type { Plan, PlannedPlugin, Runnable } from './plugin-plan.ts'
import type { Goal } from './plugin-state.ts'

/**
 * The operator's hand on single plugins. What is said is on the disk first, and each resolves with the plugin's directory
 * when everything that can be done about it now is done. Throws PLUGIN_UNKNOWN, REQUEST_INVALID, or what is wrong with
 * the plugin, and changes nothing then.
 */
export interface PluginHand {
  aim(name: string, goal: Goal): Promise<string>
  /** `changed`: something else runs than before. What ran before runs on when it throws. */
  reload(name: string): Promise<{ readonly directory: string; readonly changed: boolean }>
  grant(name: string, capability: string, acceptRisk: boolean): Promise<string>
  revoke(name: string, capability: string): Promise<string>
}

export interface PluginHandNeeds {
  readonly plan: Plan
  readonly lives: PluginLives
  readonly goals: PluginGoals
  readonly words: Pick<CapabilityWords, 'grant' | 'revoke'>
  readonly loader: Pick<Loader, 'changed' | 'termsChanged' | 'runningIn' | 'lift' | 'digestOf'>
  readonly discovery: Pick<Discovery, 'look'>
  /** Has the Safe plugins run where what is granted now may be opened; nothing where they do already. */
  readonly widenFence: () => Promise<void>
}

function needManifest(plugin: PlannedPlugin): asserts plugin is Runnable {
  if (plugin.problem === null && plugin.manifest !== null) return
  const problem = plugin.problem ?? 'it has no manifest'
  const { code, detail } = parseFailure(problem) ?? new RigError('PLUGIN_INVALID', problem)
  throw new RigError(code, `${plugin.directory} cannot run: ${detail}`)
}

export function createPluginHand(needs: PluginHandNeeds): PluginHand {
  const { plan, lives, goals, words, loader, discovery } = needs

  function named(name: string): PlannedPlugin & Runnable {
    const plugin = pluginNamed(plan.plugins(), name)
    needManifest(plugin)
    return plugin
  }

  /** Has the plugin get to its new goal. */
  async function settle(directory: string): Promise<void> {
    const before = plan.named(directory)
    plan.refresh()
    const plugin = plan.named(directory)
    if (plugin === undefined) return
    tellPlan(lives, plugin)
    // Between running and loaded it keeps its instance.
    if (before?.wanted === true && plugin.wanted && lives.of(directory).placed) await loader.termsChanged(directory)
    else await loader.changed(directory)
  }

  /** The capability of this name that the plugin asks for. */
  function asked({ manifest, directory }: Runnable, name: string): Capability {
    const capability = manifest.capabilities.find((each) => each === name)
    if (capability !== undefined) return capability
    const asks = manifest.capabilities.join(', ') || 'nothing'
    const quoted = JSON.stringify(name.slice(0, 64))
    throw new RigError('REQUEST_INVALID', `${directory} does not ask for ${quoted}; its manifest asks for ${asks}`)
  }

  async function reload(name: string): Promise<{ readonly directory: string; readonly changed: boolean }> {
    const { directory, wanted, goal } = pluginNamed(plan.plugins(), name)
    if (!wanted) {
      const isKept = goal === 'running' || goal === 'loaded'
      const remedy = isKept
        ? `\`wheelctl plugin release ${directory}\` ends that`
        : `\`wheelctl plugin enable ${directory}\` has it run`
      const why = isKept ? 'in quarantine' : goal
      throw new RigError('REQUEST_INVALID', `${directory} is ${why}, and is not loaded; ${remedy}`)
    }
    const bar = loader.lift({ directory })
    const before = loader.runningIn(directory)
    await discovery.look(directory)
    const { state, refusal, detail } = lives.of(directory)
    const failure = state === 'failed' ? detail : refusal
    if (failure === '') return { directory, changed: loader.runningIn(directory) !== before }
    if (before === undefined) bar()
    throw parseFailure(failure) ?? new RigError('PLUGIN_FAILED', failure)
  }

  return {
    async aim(name, goal) {
      const plugin = named(name)
      if (plugin.goal === 'disabled') {
        const remedy = `\`wheelctl plugin enable ${plugin.directory}\` has it run`
        if (goal === 'loaded')
          throw new RigError('REQUEST_INVALID', `${plugin.directory} is disabled, and is not loaded; ${remedy}`)
        if (goal === 'available') return plugin.directory // unloaded it is, and disabled it stays
      }
      goals.set(plugin.manifest.id, plugin.directory, goal)
      if (goal === 'running' || goal === 'loaded') await needs.widenFence()
      await settle(plugin.directory)
      return plugin.directory
    },
    reload,
    async grant(name, capability, acceptRisk) {
      const plugin = named(name)
      const { manifest, directory } = plugin
      const which = { pluginId: manifest.id, directory, capability: asked(plugin, capability) }
      const risk = riskIn(manifest, which.capability)
      if (risk === 'high' && !acceptRisk) {
        const allows = whatItAllows(manifest, which.capability)
        const why = `${capability} is of high risk: it would let ${directory} ${allows}`
        const pause = 'for that the Safe plugins pause while their process is started again'
        throw new RigError('CONSENT_NEEDED', `${why}; ${pause}; grant it with --yes when that is what you want`)
      }
      const digest = grantDigest(manifest, which.capability, await loader.digestOf(plugin))
      words.grant({ ...which, risk }, digest)
      if (which.capability === 'FileSystem') await needs.widenFence()
      await loader.termsChanged(directory)
      return directory
    },
    async revoke(name, capability) {
      const plugin = named(name)
      const { manifest, directory } = plugin
      const asks = asked(plugin, capability)
      words.revoke({ pluginId: manifest.id, directory, capability: asks, risk: riskIn(manifest, asks) })
      await loader.termsChanged(directory)
      return directory
    },
  }
}
