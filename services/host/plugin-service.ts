import type { Logger } from 'pino'
import { type PluginServiceServer, PluginServiceService } from '../../gen/proto/openracing/v1/plugin.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { duplexStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { PluginCalls } from './plugin-calls.ts'
import type { PluginList } from './plugin-list.ts'

/** PluginService over the list of plugins, and the calls of those that can be called. */
export function pluginService(plugins: PluginList, calls: PluginCalls, log: Logger): ServiceBinding {
  const implementation: PluginServiceServer = {
    listPlugins: unary(async () => ({ plugins: await plugins.list() }), log),
    getPlugin: unary(async ({ id }) => ({ plugin: await plugins.get(id) }), log),
    executeAction: unary(async (request, signal) => ({ result: await calls.execute(request, signal) }), log),
    processInput: duplexStream(calls.process, log),
  }
  return bind(PluginServiceService, implementation)
}
