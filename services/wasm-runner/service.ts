import type { Logger } from 'pino'
import { type WasmRunnerServiceServer, WasmRunnerServiceService } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import { parseLoadRequest } from './plugin-spec.ts'
import type { Runner } from './runner.ts'

/** WasmRunnerService over a runner. */
export function wasmRunnerService(runner: Runner, log: Logger): ServiceBinding {
  const implementation: WasmRunnerServiceServer = {
    loadSafePlugin: unary(async (request) => ({ abi: await runner.load(parseLoadRequest(request)) }), log),
    unloadSafePlugin: unary(async ({ id }) => {
      await runner.unload(id.toLowerCase())
      return {}
    }, log),
    listSafePlugins: unary(() => ({ plugins: runner.list() }), log),
  }
  return bind(WasmRunnerServiceService, implementation)
}
