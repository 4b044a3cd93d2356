import type { Logger } from 'pino'
import type { Confinement } from '../../gen/proto/openracing/v1/plugin.ts'
import { type WasmRunnerServiceServer, WasmRunnerServiceService } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import { parseLoadRequest } from './plugin-spec.ts'
import type { Runner } from './runner.ts'

/** WasmRunnerService over a runner. `confinement`: of this process, and so of every plugin in it. */
export function wasmRunnerService(runner: Runner, confinement: Confinement, log: Logger): ServiceBinding {
  const implementation: WasmRunnerServiceServer = {
    loadSafePlugin: unary(async (request) => ({ abi: await runner.load(parseLoadRequest(request)) }), log),
    unloadSafePlugin: unary(async ({ id }) => {
      await runner.unload(id.toLowerCase())
      return {}
    }, log),
    listSafePlugins: unary(() => ({ plugins: runner.list().map((plugin) => ({ ...plugin, confinement })) }), log),
  }
  return bind(WasmRunnerServiceService, implementation)
}
