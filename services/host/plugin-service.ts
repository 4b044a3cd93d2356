import type { Logger } from 'pino'
import { type PluginServiceServer, PluginServiceService } from '../../gen/proto/openracing/v1/plugin.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import type { PluginList } from './plugin-list.ts'

/** PluginService over the list of plugins. */
export function pluginService(plugins: PluginList, log: Logger): ServiceBinding {
  const implementation: PluginServiceServer = {
    listPlugins: unary(async () => ({ plugins: await plugins.list() }), log),
    getPlugin: unary(async ({ id }) => ({ plugin: await plugins.get(id) }), log),
  }
  return bind(PluginServiceService, implementation)
}
