import type { CallOutcome, CallTarget } from '../call-messages.ts'
import { createCaller } from '../caller.ts'
import { compilePlugin } from '../compile.ts'
import type { ActionRequest } from '../midimon-action.ts'
import { standardCallFuel } from '../on-call-spec.ts'
import type { ZenithRequest } from '../zenith.ts'

export const actionOf = (part: Partial<ActionRequest> = {}): ActionRequest => ({
  action: 'hello',
  parameters: [],
  context: {
    ...{ velocity: null, note: null, cc: null, value: null, currentMode: null },
    ...{ timestamp: 1_705_612_800_000, metadata: {} },
  },
  ...part,
})

const nothing = new Uint8Array(0)

export const inputOf = (part: Partial<ZenithRequest> = {}): ZenithRequest => ({
  ...{ operation: 'process', input: nothing, parameters: nothing, outputBytes: undefined, elementBytes: 1 },
  ...part,
})

/** A plugin that is called on the test's own thread. */
export interface CalledPlugin {
  readonly lines: readonly string[]
  describe(): CallOutcome
  execute(request?: Partial<ActionRequest>): CallOutcome
  process(request?: Partial<ZenithRequest>): CallOutcome
  forget(): void
}

/** A module as a plugin that is called, with MIDIMon's limits but for what `part` says. */
export async function calledPlugin(
  bytes: Uint8Array<ArrayBuffer>,
  part: Partial<Pick<CallTarget, 'fuel' | 'stateful'>> & { readonly memoryBytes?: number } = {},
): Promise<CalledPlugin> {
  const { memoryBytes = 128 << 20, fuel = standardCallFuel, stateful = false } = part
  const entryPoints = { process: 'process', initialize: 'initialize', shutdown: 'shutdown' }
  const code = await compilePlugin(bytes, { memoryBytes, entryPoints })
  const target = { ticket: 1, code, fuel, stateful }
  const lines: string[] = []
  const caller = createCaller({
    now: () => performance.now(),
    cpuNs: () => process.hrtime.bigint(),
    line: (level, text) => void lines.push(`${level} ${text}`),
  })
  return {
    lines,
    describe: () => caller.call(target, { kind: 'describe' }),
    execute: (request) => caller.call(target, { kind: 'action', request: actionOf(request) }),
    process: (request) => caller.call(target, { kind: 'process', request: inputOf(request) }),
    forget: () => caller.forget(target.ticket),
  }
}
