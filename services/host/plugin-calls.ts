import type {
  CallResult,
  ExecuteActionRequest,
  ProcessInputRequest,
  ProcessInputResponse,
} from '../../gen/proto/openracing/v1/plugin.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginList } from './plugin-list.ts'
import type { PluginServices } from './plugin-services.ts'

/** Calls of plugins that run when somebody asks, for whoever does. */
export interface PluginCalls {
  /** Rejects with PLUGIN_UNKNOWN, with REQUEST_INVALID for a plugin that cannot be asked, and as the wasm-runner does. */
  execute(request: ExecuteActionRequest, signal: AbortSignal): Promise<CallResult>
  /** Fails as execute() does. */
  process(
    requests: AsyncIterable<ProcessInputRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<ProcessInputResponse, void, undefined>
}

export interface PluginCallsNeeds {
  readonly plugins: Pick<PluginList, 'get'>
  readonly services: Pick<PluginServices, 'runAction' | 'runInput'>
}

/** The first request with the plugin's own id in it, then the others as they are. */
async function* addressed(
  first: ProcessInputRequest,
  others: AsyncIterator<ProcessInputRequest>,
): AsyncGenerator<ProcessInputRequest> {
  yield first
  yield* { [Symbol.asyncIterator]: () => others }
}

export function createPluginCalls({ plugins, services }: PluginCallsNeeds): PluginCalls {
  async function idOf(word: string): Promise<string> {
    const { id, name, directory, state, detail, updateRateHz } = await plugins.get(word)
    const title = name || directory
    if (state !== PluginState.PLUGIN_STATE_RUNNING) {
      throw new RigError(
        'PLUGIN_FAILED',
        `${title} does not run${detail && ` (${detail})`}; see \`wheelctl plugin info ${directory}\``,
      )
    }
    if (updateRateHz === 0) return id
    throw new RigError(
      'REQUEST_INVALID',
      `${title} runs at ${updateRateHz} Hz and cannot be asked; ask one that \`wheelctl plugin list\` shows as on call`,
    )
  }

  return {
    execute: async (request, signal) => services.runAction({ ...request, plugin: await idOf(request.plugin) }, signal),
    async *process(requests, signal) {
      const all = requests[Symbol.asyncIterator]()
      const first = await all.next()
      const part = first.done === true ? undefined : first.value.part
      if (part?.$case !== 'start') {
        throw new RigError(
          'REQUEST_INVALID',
          'the first request has no start; send first which plugin is asked for what',
        )
      }
      const start: ProcessInputRequest = {
        part: { $case: 'start', value: { ...part.value, plugin: await idOf(part.value.plugin) } },
      }
      yield* services.runInput(addressed(start, all), signal)
    },
  }
}
