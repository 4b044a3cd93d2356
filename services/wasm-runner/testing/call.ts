import type { CallOutcome, CallTarget } from '../call-messages.ts'
import { wordsOfId } from '../call-record.ts'
import { createCaller } from '../caller.ts'
import { compilePlugin } from '../compile.ts'
import { noGuard } from '../guard.ts'
import type { ActionRequest } from '../midimon-action.ts'
import { type NetworkGrant, type NetworkNews, type NetworkWord, noRoom } from '../network-words.ts'
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
  readonly violations: readonly string[]
  /** What it asked of the network. */
  readonly words: readonly NetworkWord[]
  describe(): CallOutcome
  execute(request?: Partial<ActionRequest>): CallOutcome
  process(request?: Partial<ZenithRequest>): CallOutcome
  forget(): void
}

const none: NetworkGrant = { hosts: [], room: noRoom }
/** Of every call. */
const allowedMs = 5000

interface CalledPart extends Partial<Pick<CallTarget, 'fuel' | 'stateful' | 'network'>> {
  readonly memoryBytes?: number
  /** What happens while a call waits for the network. */
  listen?(hear: (news: NetworkNews) => void, ms: number): void
}

/** A module as a plugin that is called, with MIDIMon's limits but for what `part` says. */
export async function calledPlugin(bytes: Uint8Array<ArrayBuffer>, part: CalledPart = {}): Promise<CalledPlugin> {
  const { memoryBytes = 128 << 20, fuel = standardCallFuel, stateful = false, network = none, listen } = part
  const entryPoints = { process: 'process', initialize: 'initialize', shutdown: 'shutdown' }
  const code = await compilePlugin(bytes, { memoryBytes, entryPoints })
  const target = {
    ticket: 1,
    idWords: wordsOfId('a plugin under test'),
    code,
    fuel,
    stateful,
    network,
    preopens: [],
    fileSystem: [],
  }
  const lines: string[] = []
  const violations: string[] = []
  const words: NetworkWord[] = []
  const caller = createCaller({
    now: () => performance.now(),
    cpuNs: () => process.hrtime.bigint(),
    guard: noGuard,
    line: (level, text) => void lines.push(`${level} ${text}`),
    violated: ({ kind, detail }) => void violations.push(`${kind} ${detail}`),
    network: (word) => words.push(word),
    catchUp() {},
    isCut: () => false,
    listen: (ms) => (listen ?? (() => {}))(caller.hear, ms),
  })
  return {
    lines,
    violations,
    words,
    describe: () => caller.call(target, { kind: 'describe' }, allowedMs),
    execute: (request) => caller.call(target, { kind: 'action', request: actionOf(request) }, allowedMs),
    process: (request) => caller.call(target, { kind: 'process', request: inputOf(request) }, allowedMs),
    forget: () => caller.forget(target.ticket, allowedMs, true),
  }
}
