import type { Logger } from 'pino'
import { type PluginServiceServer, PluginServiceService } from '../../gen/proto/openracing/v1/plugin.ts'
import { RigError } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { duplexStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { PluginList } from './plugin-list.ts'

const notYet = (): never => {
  throw new RigError('PLUGIN_UNSUPPORTED', 'plugins that run on call are not run by this version')
}

/** PluginService over the list of plugins. */
export function pluginService(plugins: PluginList, log: Logger): ServiceBinding {
  const implementation: PluginServiceServer = {
    listPlugins: unary(async () => ({ plugins: await plugins.list() }), log),
    getPlugin: unary(async ({ id }) => ({ plugin: await plugins.get(id) }), log),
    executeAction: unary(notYet, log),
    // biome-ignore lint/correctness/useYield: it only refuses
    processInput: duplexStream(async function* () {
      notYet()
    }, log),
  }
  return bind(PluginServiceService, implementation)
}
