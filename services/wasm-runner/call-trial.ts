import type { OnCallAbi } from './abi.ts'
import type { CallHearing } from './call-hearing.ts'
import { openLane } from './call-lane.ts'
import type { CallOutcome, CallTarget, CallWish } from './call-messages.ts'
import { type CallMark, wordsOfId } from './call-record.ts'
import { startCallWorker } from './call-worker.ts'
import type { GuestLogLevel } from './guest-log.ts'
import { noRoom } from './network-words.ts'
import type { OnCallSpec } from './on-call-spec.ts'
import { cleanDescription, type SelfDescription } from './self-description.ts'
import type { Violation } from './violation.ts'
import { capacityOf, type ZenithRequest } from './zenith.ts'

/** What is done with a plugin, one after the other. */
export type CallPhase = 'load' | 'call' | 'end'

/** What something took; undefined where its thread had to be ended, and nobody knows. */
export type CallCost = { readonly fuel: number; readonly cpuNs: number } | undefined

export interface CallLine {
  readonly during: CallPhase
  readonly level: GuestLogLevel
  readonly line: string
}

export interface CallViolation extends Violation {
  readonly during: CallPhase
}

/** A call that was made. */
export interface TriedCall {
  readonly cost: CallCost
  /** What the plugin returned; undefined when it did not. */
  readonly code: number | undefined
  readonly output: Uint8Array<ArrayBuffer>
  /** The capacity that it left for the length of its output, as it seems; undefined when it wrote the length. */
  readonly capacityLeft: number | undefined
}

/** What became of a plugin that runs when somebody asks. */
export interface CallTrial {
  /** What it says of itself, cleaned. Undefined when it could not be loaded. */
  readonly described: SelfDescription | undefined
  readonly load: CallCost
  /** Undefined when there was none. */
  readonly call: TriedCall | undefined
  /** What it did wrong, and when: it did not come back as it should. */
  readonly lost: CallViolation | undefined
  /** What it did that it must not do, and ran on. */
  readonly charged: readonly CallViolation[]
  /** At the end; undefined where nobody knows. */
  readonly memoryBytes: number | undefined
  readonly log: readonly CallLine[]
}

/** What a plugin is called for once it is loaded. */
export type TrialWish = Exclude<CallWish, { readonly kind: 'describe' }>

export interface CallTrialNeeds extends Pick<CallTarget, 'code' | 'fuel'> {
  /** Nothing is called where there is none, and where plugins of this ABI have no answer to it. */
  readonly wish: TrialWish | undefined
  readonly abi: OnCallAbi
  readonly spec: Pick<OnCallSpec, 'id' | 'stateful' | 'deadlineMs' | 'network'>
}

const abiOf: Readonly<Record<TrialWish['kind'], OnCallAbi>> = { action: 'midimon-action-1', process: 'zenith-1' }

/** Nobody comes after this process who would want to know. */
const noMark: CallMark = { begin() {}, end() {} }

const nobodyCancels = new AbortController().signal

/** Zero is what a thread that was ended could not say. */
const costOf = ({ fuelUsed, cpuNs }: CallOutcome): CallCost => (cpuNs === 0 ? undefined : { fuel: fuelUsed, cpuNs })
const memoryOf = ({ memoryBytes }: CallOutcome): number | undefined => memoryBytes || undefined

/**
 * An operation that never writes its output's length leaves the capacity there. What it has not written is zero: an
 * output that fills all there is, and does so to its last element, is as long as it says.
 */
function capacityLeftBy(request: ZenithRequest, { output }: CallOutcome): number | undefined {
  const [capacity, { elementBytes }] = [capacityOf(request), request]
  if (capacity === 0 || output.length !== capacity * elementBytes) return undefined
  return output.subarray(-elementBytes).every((byte) => byte === 0) ? capacity : undefined
}

const isCounted = (code: CallTarget['code'], { operation }: ZenithRequest): boolean =>
  code.operations.get(operation) === 'counted'

/** A copy: a lane gives the input away, and what was read from one message has one buffer. */
function ownWish(wish: TrialWish): TrialWish {
  if (wish.kind === 'action') return wish
  const { input, parameters } = wish.request
  const own = { input: new Uint8Array(input), parameters: new Uint8Array(parameters) }
  return { kind: 'process', request: { ...wish.request, ...own } }
}

const callOf = (code: CallTarget['code'], wish: TrialWish, outcome: CallOutcome): TriedCall => ({
  cost: costOf(outcome),
  code: outcome.fault === undefined ? outcome.code : undefined,
  output: outcome.output,
  capacityLeft:
    wish.kind === 'process' && isCounted(code, wish.request) ? capacityLeftBy(wish.request, outcome) : undefined,
})

/**
 * Loads a plugin, calls it, and ends it, on a lane like a rig's. Rejects with REQUEST_INVALID for what the plugin cannot be
 * asked for.
 */
export async function tryCalls({ code, abi, fuel, spec, wish }: CallTrialNeeds): Promise<CallTrial> {
  const { stateful, deadlineMs } = spec
  const grants = { network: { hosts: spec.network, room: noRoom }, preopens: [], fileSystem: [] }
  const target: CallTarget = { ticket: 1, idWords: wordsOfId(spec.id), code, fuel, stateful, ...grants }
  const lane = openLane({ take: () => startCallWorker(nobodyCancels) }, noMark)
  const log: CallLine[] = []
  let during: CallPhase = 'load'
  const charged: CallViolation[] = []
  const hearing: CallHearing = {
    onLine: (level, line) => void log.push({ during, level, line }),
    onViolation: (violation) => void charged.push({ ...violation, during }),
    onNetwork() {}, // there is no room for anything: it was told so already
  }
  const ask = (asked: CallWish): Promise<CallOutcome> =>
    lane.call({ target, wish: asked, deadlineMs, signal: nobodyCancels, gone: nobodyCancels, hearing })
  const lostBy = ({ fault }: CallOutcome) => fault && { ...fault, during }

  try {
    const loaded = await ask({ kind: 'describe' })
    const load = costOf(loaded)
    if (loaded.fault !== undefined) {
      const lost = lostBy(loaded)
      return { described: undefined, load, call: undefined, lost, charged, memoryBytes: memoryOf(loaded), log }
    }
    during = 'call'
    const called = wish && abiOf[wish.kind] === abi ? await ask(ownWish(wish)) : undefined
    const lost = called && lostBy(called)
    during = 'end'
    await lane.forget(target, hearing, deadlineMs)
    return {
      described: cleanDescription(loaded.described),
      load,
      call: wish && called && callOf(code, wish, called),
      lost,
      charged,
      memoryBytes: memoryOf(called ?? loaded),
      log,
    }
  } finally {
    await lane.close()
  }
}
