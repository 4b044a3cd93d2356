import { createCallImports } from './call-imports.ts'
import type { CallGrants, CallOutcome, CallTarget, CallWish } from './call-messages.ts'
import type { Guard } from './guard.ts'
import { type Guest, makeGuest } from './guest.ts'
import { GuestFault } from './guest-fault.ts'
import { createLineAllowance, type GuestLog, type GuestLogLevel, writeGuestLine } from './guest-log.ts'
import { createGuestNetwork, type GuestNetwork } from './guest-network.ts'
import { type ActionGuest, openAction } from './midimon-action.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'
import { createRefusals } from './refusals.ts'
import { type SelfDescription, undescribed } from './self-description.ts'
import { createThreadNetwork } from './thread-network.ts'
import type { Violation } from './violation.ts'
import { nothingGranted } from './wasi/grants.ts'
import { beginZenith, type ZenithGuest } from './zenith.ts'

export interface CallerNeeds {
  /** Monotonic, ms. */
  now(): number
  /** CPU time of this thread, ns. */
  cpuNs(): bigint
  /** Of this thread. */
  readonly guard: Guard
  /** A line of the plugin that is called. */
  line(level: GuestLogLevel, text: string): void
  /** What the plugin that is called did and must not do. */
  violated(violation: Violation): void
  /** What a plugin asks of the network. */
  network(word: NetworkWord): void
  /** Waits until something was heard of the network, at most so long, ms. */
  listen(ms: number): void
  /** Does what came in the middle of a call, before a function of the host's begins. */
  catchUp(): void
  /** What is under way is to end: nothing is waited for. */
  isCut(): boolean
}

/** Calls plugins, one call at a time. Whoever has it may be ended in the middle of one. */
export interface Caller {
  /**
   * Throws REQUEST_INVALID for what the plugin cannot be asked for; what its code does wrong is in the outcome.
   * `allowedMs`: how long it may take before somebody ends it from outside.
   */
  call(target: CallTarget, wish: CallWish, allowedMs: number): CallOutcome
  /** Ends a plugin's instance, if it has one. `kindly`: its code may clean up. */
  forget(ticket: number, allowedMs: number, kindly: boolean): void
  /** What a plugin may use from now on. */
  adjust(ticket: number, grants: CallGrants): void
  /** What became of a request. */
  hear(news: NetworkNews): void
}

/**
 * How much of its time a call may wait for the network: with the rest it can still say that nothing came. And how much it
 * may run: after that it is interrupted, and its thread, with what others keep there, need not be ended.
 */
const ownShare = 0.9

/** What an instance can be asked, once it has begun. */
type Driver =
  | { readonly kind: 'action'; readonly action: ActionGuest }
  | { readonly kind: 'zenith'; readonly zenith: ZenithGuest }

/** What stays of a plugin from call to call. */
interface Kept {
  readonly fuel: number
  readonly log: GuestLog
  readonly refuse: (detail: string) => void
  /** Its instance, from before its code first runs. */
  open: { readonly guest: Guest; readonly network: GuestNetwork } | undefined
  /** The same once it has begun. */
  life: { readonly guest: Guest; readonly driver: Driver } | undefined
}

function grant({ open }: Kept, { hosts, fileSystem }: CallGrants): void {
  open?.network.grant(hosts)
  open?.guest.grantFiles(fileSystem)
}

function drop(mine: Kept): void {
  mine.open = undefined
  mine.life = undefined
}

type Answer = Pick<CallOutcome, 'code' | 'output' | 'described'>

const nothing: Answer = { code: 0, output: new Uint8Array(0), described: undescribed }

/** `name vX.Y.Z`, as the guide has it; what is something else is a name. */
function readInfo(info: string): SelfDescription {
  const [, name = info, version = ''] = /^(.*\S)\s+v(\d\S*)\s*$/s.exec(info) ?? []
  return { name, version, description: '' }
}

function perform(driver: Driver, wish: CallWish): Answer {
  if (driver.kind === 'zenith') {
    if (wish.kind === 'process') return { ...nothing, ...driver.zenith.run(wish.request) }
    return { ...nothing, described: readInfo(driver.zenith.info) }
  }
  if (wish.kind === 'action') return { ...nothing, code: driver.action.execute(wish.request) }
  const { name, version, description } = driver.action.metadata()
  return { ...nothing, described: { name, version, description } }
}

const driverOf = ({ abi, operations }: CallTarget['code'], guest: Guest): Driver =>
  abi === 'zenith-1'
    ? { kind: 'zenith', zenith: beginZenith(guest, operations) }
    : { kind: 'action', action: openAction(guest) }

export function createCaller(needs: CallerNeeds): Caller {
  const { now, cpuNs, line } = needs
  let waitUntilMs = 0
  let mayRunUs = 0
  const allow = (allowedMs: number): void => {
    waitUntilMs = now() + allowedMs * ownShare
    mayRunUs = Math.floor(allowedMs * 1000 * ownShare)
  }
  const thread = createThreadNetwork(() => {
    const leftMs = waitUntilMs - now()
    if (leftMs <= 0 || needs.isCut()) return false
    needs.listen(leftMs)
    return true
  })
  const kept = new Map<number, Kept>()

  function keptOf({ ticket, fuel }: CallTarget): Kept {
    const log = { lines: createLineAllowance(now()), log: line, now }
    const refuse = createRefusals(now, needs.violated)
    const found = kept.get(ticket) ?? { fuel, log, refuse, open: undefined, life: undefined }
    kept.set(ticket, found)
    return found
  }

  /** Runs one call; whatever way it ends, `spent` says what it took. */
  function attempt(target: CallTarget, wish: CallWish, mine: Kept) {
    let guest = mine.life?.guest
    const spent = () => ({
      fuelUsed: Math.min(guest?.used() ?? 0, target.fuel),
      memoryBytes: guest?.memory().buffer.byteLength ?? 0,
    })
    try {
      if (mine.life === undefined) {
        const network = createGuestNetwork({
          ...{ grant: target.network, thread, now, tell: needs.network, refuse: mine.refuse },
          warn: (sentence) => writeGuestLine(mine.log, 'warn', Buffer.from(sentence)),
        })
        const made = makeGuest(target.code, {
          log: mine.log,
          grants: { ...nothingGranted, preopens: target.preopens },
          guard: needs.guard,
          env: (side) => createCallImports(side, mine.log, network),
          ended: network.end,
          before: needs.catchUp,
        })
        guest = made
        mine.open = { guest: made, network }
        made.grantFiles(target.fileSystem)
        made.begin(target.fuel, mayRunUs)
        mine.life = { guest: made, driver: driverOf(target.code, made) }
      }
      grant(mine, { hosts: target.network.hosts, fileSystem: target.fileSystem })
      mine.life.guest.fill(target.fuel, mayRunUs)
      return { answer: perform(mine.life.driver, wish), fault: undefined, ...spent() }
    } catch (cause) {
      if (!(cause instanceof GuestFault)) throw cause
      guest?.close()
      drop(mine)
      return { answer: nothing, fault: cause.violation, ...spent() }
    }
  }

  return {
    call(target, wish, allowedMs) {
      allow(allowedMs)
      const mine = keptOf(target)
      const before = cpuNs()
      try {
        const { answer, ...rest } = attempt(target, wish, mine)
        return { ...answer, ...rest, cpuNs: Number(cpuNs() - before) }
      } finally {
        if (target.code.abi !== 'zenith-1' && !target.stateful) {
          mine.life?.guest.close()
          drop(mine)
        }
      }
    },
    adjust(ticket, grants) {
      const mine = kept.get(ticket)
      if (mine !== undefined) grant(mine, grants)
    },
    forget(ticket, allowedMs, kindly) {
      allow(allowedMs)
      const mine = kept.get(ticket)
      kept.delete(ticket)
      if (mine?.life === undefined) return
      const { guest, driver } = mine.life
      try {
        guest.fill(mine.fuel, mayRunUs)
        if (kindly && driver.kind === 'zenith') driver.zenith.close()
      } catch (cause) {
        if (!(cause instanceof GuestFault)) throw cause
        line('warn', cause.message)
      } finally {
        guest.close()
      }
    },
    hear: thread.deliver,
  }
}
