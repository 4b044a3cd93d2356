import type { Logger } from 'pino'
import { type Confinement, ExecuteActionRequest } from '../../gen/proto/openracing/v1/plugin.ts'
import { type WasmRunnerServiceServer, WasmRunnerServiceService } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { duplexStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import { parseAction } from './call-request.ts'
import { createInputCalls } from './input-stream.ts'
import { parseOnCallRequest } from './on-call-spec.ts'
import { parseLoadRequest } from './plugin-spec.ts'
import { parseAdjustRequest } from './plugin-terms.ts'
import type { Runner } from './runner.ts'

/** WasmRunnerService over a runner. `confinement`: of this process, and so of every plugin in it. */
export function wasmRunnerService(runner: Runner, confinement: Confinement, log: Logger): ServiceBinding {
  const implementation: WasmRunnerServiceServer = {
    loadSafePlugin: unary(async (request) => ({ abi: await runner.load(parseLoadRequest(request)) }), log),
    loadOnCallPlugin: unary(async (request) => ({ abi: await runner.loadOnCall(parseOnCallRequest(request)) }), log),
    runAction: unary(async ({ call }, signal) => {
      const request = ExecuteActionRequest.fromPartial(call ?? {})
      const { result } = await runner.runAction(request.plugin.toLowerCase(), parseAction(request, Date.now()), signal)
      return { result }
    }, log),
    runInput: duplexStream(createInputCalls(runner), log),
    carryRequests: duplexStream(runner.carry, log),
    adjustSafePlugin: unary(async (request) => {
      await runner.adjust(request.id.toLowerCase(), parseAdjustRequest(request))
      return {}
    }, log),
    unloadSafePlugin: unary(async ({ id }) => {
      await runner.unload(id.toLowerCase())
      return {}
    }, log),
    listSafePlugins: unary(
      ({ violationsOnly }) => ({
        plugins: runner.list(violationsOnly).map((plugin) => ({ ...plugin, confinement })),
      }),
      log,
    ),
  }
  return bind(WasmRunnerServiceService, implementation)
}
