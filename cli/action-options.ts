import type { Command } from 'commander'
import type { ExecuteActionRequest } from '../gen/proto/openracing/v1/plugin.ts'
import { whole } from '../input/whole.ts'

/** What an action is asked with. */
export interface ActionOptions {
  readonly param: readonly string[]
  readonly velocity?: number
  readonly note?: number
  readonly cc?: number
  readonly value?: number
  readonly mode?: number
}

const midi = whole(0, 127)

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text]

export const withActionOptions = (command: Command): Command =>
  command
    .option('--param <text>', 'a parameter; may be given again', collect, [])
    .option('--velocity <n>', 'MIDI velocity', midi)
    .option('--note <n>', 'MIDI note', midi)
    .option('--cc <n>', 'MIDI controller', midi)
    .option('--value <n>', "the controller's value", midi)
    .option('--mode <n>', 'the current mode', whole(0, 2 ** 32 - 1))

export function actionRequest(plugin: string, action: string, options: ActionOptions): ExecuteActionRequest {
  const { velocity, note, cc, value, mode: currentMode } = options
  return {
    ...{ plugin, action, parameters: [...options.param] },
    context: { velocity, note, cc, value, currentMode, timestampMs: undefined, metadata: [] },
  }
}
