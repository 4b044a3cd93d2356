import type { Logger } from 'pino'
import {
  type Plugin,
  PluginGoal,
  type PluginServiceServer,
  PluginServiceService,
} from '../../gen/proto/openracing/v1/plugin.ts'
import { invalidField } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { duplexStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { PluginCalls } from './plugin-calls.ts'
import type { PluginHand } from './plugin-hand.ts'
import type { PluginList } from './plugin-list.ts'
import type { Goal } from './plugin-state.ts'

const goalOf: Readonly<Partial<Record<PluginGoal, Goal>>> = {
  [PluginGoal.PLUGIN_GOAL_RUNNING]: 'running',
  [PluginGoal.PLUGIN_GOAL_LOADED]: 'loaded',
  [PluginGoal.PLUGIN_GOAL_AVAILABLE]: 'available',
  [PluginGoal.PLUGIN_GOAL_DISABLED]: 'disabled',
}

function parseGoal(goal: PluginGoal): Goal {
  const known = goalOf[goal]
  if (known !== undefined) return known
  throw invalidField('goal', `is ${goal}; send PLUGIN_GOAL_RUNNING, _LOADED, _AVAILABLE or _DISABLED`)
}

export interface PluginServiceNeeds {
  readonly plugins: PluginList
  readonly calls: PluginCalls
  readonly hand: PluginHand
  readonly log: Logger
}

/** PluginService over the list of plugins, the operator's hand on them, and the calls of those that can be called. */
export function pluginService({ plugins, calls, hand, log }: PluginServiceNeeds): ServiceBinding {
  /** The plugin as it stands after something was done to it. */
  async function after(what: Record<string, string>, done: Promise<string>): Promise<{ plugin: Plugin }> {
    const plugin = await plugins.get(await done)
    log.info({ ...what, state: plugin.state }, 'plugin')
    return { plugin }
  }

  const implementation: PluginServiceServer = {
    listPlugins: unary(async () => ({ plugins: [...(await plugins.list())] }), log),
    getPlugin: unary(async ({ plugin }) => ({ plugin: await plugins.get(plugin) }), log),
    executeAction: unary(async (request, signal) => ({ result: await calls.execute(request, signal) }), log),
    processInput: duplexStream(calls.process, log),
    setPluginGoal: unary(({ plugin, goal }) => {
      const aim = parseGoal(goal)
      return after({ plugin, goal: aim }, hand.aim(plugin, aim))
    }, log),
    reloadPlugin: unary(async ({ plugin }) => {
      const { directory, changed } = await hand.reload(plugin)
      log.info({ reloaded: directory, changed }, 'plugin')
      return { changed, plugin: await plugins.get(directory) }
    }, log),
    grantCapability: unary(({ plugin, capability, acceptRisk }) => {
      return after({ plugin, granted: capability }, hand.grant(plugin, capability, acceptRisk))
    }, log),
    revokeCapability: unary(({ plugin, capability }) => {
      return after({ plugin, revoked: capability }, hand.revoke(plugin, capability))
    }, log),
  }
  return bind(PluginServiceService, implementation)
}
