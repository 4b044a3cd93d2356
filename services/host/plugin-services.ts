import { Metadata } from '@grpc/grpc-js'
import {
  DspHelperServiceClient,
  type FastPlugin,
  type GetDataPlaneResponse,
  type ListFastPluginsResponse,
  type SetChainRequest,
} from '../../gen/proto/openracing/v1/dsp_helper.ts'
import {
  CallResult,
  type ExecuteActionRequest,
  type ProcessInputRequest,
  type ProcessInputResponse,
} from '../../gen/proto/openracing/v1/plugin.ts'
import {
  type CollectCopiesResponse,
  type JudgeKeysRequest,
  type JudgeKeysResponse,
  TrustServiceClient,
  type VerifyArtefactRequest,
  type VerifyArtefactResponse,
  type WatchKeysResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import {
  type AdjustSafePluginRequest,
  type CarryRequestsRequest,
  type CarryRequestsResponse,
  type ListSafePluginsResponse,
  type LoadOnCallPluginRequest,
  type LoadSafePluginRequest,
  type RunActionResponse,
  type RunInputRequest,
  type SafePlugin,
  WasmRunnerServiceClient,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { type Callback, call, connect, toFailure } from '../../rpc/client.ts'
import { duplex } from '../../rpc/duplex.ts'
import type { Home } from '../../rpc/home.ts'

/** What the host asks of the services that judge and run plugins. Each call fails as call() of rpc/client.ts does. */
export interface PluginServices {
  verify(request: VerifyArtefactRequest): Promise<VerifyArtefactResponse>
  judgeKeys(request: JudgeKeysRequest): Promise<JudgeKeysResponse>
  /** Removes verified copies but these; says how many. */
  collectCopies(keep: readonly string[]): Promise<number>
  /** The keys now, and again whenever they are other ones, until trust ends or somebody aborts. */
  watchKeys(signal: AbortSignal): AsyncGenerator<WatchKeysResponse, void, undefined>
  loadSafe(request: LoadSafePluginRequest): Promise<void>
  loadOnCall(request: LoadOnCallPluginRequest): Promise<void>
  /** Changes on what terms a Safe plugin of either kind runs; resolves when they are in force. */
  adjustSafe(request: AdjustSafePluginRequest): Promise<void>
  /** Ends a Safe plugin of either kind; resolves when it is gone. Repeats safely. */
  unloadSafe(id: string): Promise<void>
  runAction(request: ExecuteActionRequest, signal: AbortSignal): Promise<CallResult>
  /** Answers as they come. Whoever stops reading, or aborts, ends the call; an error of it is thrown as call() does. */
  runInput(requests: AsyncIterable<ProcessInputRequest>, signal: AbortSignal): AsyncGenerator<ProcessInputResponse>
  /** What plugins ask of the network, until the runner ends or somebody aborts; as runInput() in the rest. */
  carryRequests(
    answers: AsyncIterable<CarryRequestsRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<CarryRequestsResponse, void, undefined>
  setChain(request: SetChainRequest): Promise<void>
  /** Takes these Fast plugins out of the chain; resolves when they have ended. */
  endFast(ids: readonly string[]): Promise<void>
  /** `brief`: what they did that they must not do, without their statistics. */
  listSafe(brief?: boolean): Promise<readonly SafePlugin[]>
  listFast(): Promise<readonly FastPlugin[]>
  dataPlane(): Promise<GetDataPlaneResponse>
  close(): void
}

/** Longest wait for an artefact to be hashed and judged: 16 MiB from a slow disk, with every core busy. */
const verifyMs = 10_000
/** Longest wait for a plugin to run: its own initialisation has 5 s in both services, and may wait for another's. */
const loadMs = 20_000
/** Longest wait for a call: its own 5 s, and those of calls before it on its lane. */
const callMs = 30_000
/** The same, and the time in which a client sends up to 64 MiB. */
const inputMs = 90_000
/** Statistics are for somebody who is looking at a screen. */
const listMs = 1000

async function* wrapped(requests: AsyncIterable<ProcessInputRequest>): AsyncGenerator<RunInputRequest> {
  for await (const call of requests) yield { call }
}

/** Connects when the first call is made; a service that was restarted is found again. */
export function connectPluginServices(home: Home): PluginServices {
  const address = (service: string): string => `unix:${home.socket(service)}`
  const trust = connect(TrustServiceClient, address('trust'))
  const runner = connect(WasmRunnerServiceClient, address('wasm-runner'))
  const dsp = connect(DspHelperServiceClient, address('dsp-helper'))
  // A service that has just said SERVING may still be unreachable for a connection that saw it go.
  const waiting = new Metadata({ waitForReady: true })
  const within = (ms: number) => ({ deadline: Date.now() + ms })

  return {
    verify: (request) => call((done) => trust.verifyArtefact(request, waiting, within(verifyMs), done)),
    judgeKeys: (request) => call((done) => trust.judgeKeys(request, waiting, within(verifyMs), done)),
    collectCopies: async (keep) => {
      const collect = (done: Callback<CollectCopiesResponse>) =>
        trust.collectCopies({ keep: [...keep] }, waiting, within(verifyMs), done)
      return (await call(collect)).removed
    },
    async *watchKeys(signal) {
      const stream = trust.watchKeys({}, waiting)
      signal.addEventListener('abort', () => stream.cancel())
      try {
        for await (const news of stream) yield news as WatchKeysResponse
      } catch (cause) {
        throw toFailure(cause as Error)
      } finally {
        stream.cancel()
      }
    },
    loadSafe: async (request) =>
      void (await call((done) => runner.loadSafePlugin(request, waiting, within(loadMs), done))),
    loadOnCall: async (request) =>
      void (await call((done) => runner.loadOnCallPlugin(request, waiting, within(loadMs), done))),
    adjustSafe: async (request) =>
      void (await call((done) => runner.adjustSafePlugin(request, waiting, within(loadMs), done))),
    unloadSafe: async (id) =>
      void (await call((done) => runner.unloadSafePlugin({ id }, waiting, within(loadMs), done))),
    async runAction(request, signal) {
      const run = (done: Callback<RunActionResponse>) => {
        const running = runner.runAction({ call: request }, waiting, within(callMs), done)
        signal.addEventListener('abort', () => running.cancel())
      }
      return CallResult.fromPartial((await call(run)).result ?? {})
    },
    async *runInput(requests, signal) {
      const stream = runner.runInput(waiting, within(inputMs))
      for await (const { answer } of duplex(stream, wrapped(requests), signal)) if (answer !== undefined) yield answer
    },
    carryRequests: (answers, signal) => duplex(runner.carryRequests(waiting), answers, signal),
    setChain: async (request) => void (await call((done) => dsp.setChain(request, waiting, within(loadMs), done))),
    endFast: async (ids) =>
      void (await call((done) => dsp.endFastPlugins({ ids: [...ids] }, waiting, within(loadMs), done))),
    listSafe: async (brief = false) => {
      const list = (done: Callback<ListSafePluginsResponse>) =>
        runner.listSafePlugins({ violationsOnly: brief }, waiting, within(listMs), done)
      return (await call(list)).plugins
    },
    listFast: async () => {
      const list = (done: Callback<ListFastPluginsResponse>) => dsp.listFastPlugins({}, waiting, within(listMs), done)
      return (await call(list)).plugins
    },
    dataPlane: () => call((done) => dsp.getDataPlane({}, waiting, within(listMs), done)),
    close() {
      for (const client of [trust, runner, dsp]) client.close()
    },
  }
}
