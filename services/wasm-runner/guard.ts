import { addon } from '../../native/addon.ts'

// The words of native/guard.h.
const call = 0
const allotment = 1
const limit = 2
const witnessed = 3
/** Added to a call's number while the host works on its behalf. */
const inHost = 0x4000_0000

/**
 * What a guest may take beyond its time before it is interrupted, µs. Budgets are told in CPU time by two readings of a
 * clock, and whoever is a little beyond is charged and goes on; this is for who does not come back.
 */
const graceUs = 1000

/**
 * What a call may run without a witness, µs: up to 1 ms until the watcher has seen it and 0.5 until the first answer, and as
 * long again until it has heard of an answer and asked for the next one, which the call did not live to give.
 */
const unseenUs = 3000

/** Ends calls of guests that do not end by themselves. Of the thread that opened it. */
export interface Guard {
  /** What cutCalls() knows it by; 0: nothing can be interrupted. */
  readonly number: number
  /** From now on, until this is called again, all calls together have `us` µs. Between calls. */
  allot(us: number): void
  /**
   * The most CPU time that the calls since then can have had, µs: for what is beyond it on the thread's own clock there is no
   * witness. A hypervisor had the core, or whoever asks had none.
   */
  mostUs(): number
  /**
   * Runs a call. Throws what it throws, or an Interruption. Of the host's own only what may be cut anywhere is in it: Node
   * loads some of what is global when it is first used, and what was cut then is never there again.
   */
  run<T>(call: () => T): T
  /** The same function, that is not cut in the middle when a guest calls it. */
  whole(act: WebAssembly.ImportFunction): WebAssembly.ImportFunction
}

/** A guest's call took longer than it may, and was ended from outside. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  /** CPU time for which there is a witness (native/witness.h), µs. */
  readonly ranUs: number
  readonly mayRunUs: number

  constructor(ranUs: number, mayRunUs: number, options?: ErrorOptions) {
    super(`it was interrupted after ${ranUs} µs`, options)
    this.ranUs = ranUs
    this.mayRunUs = mayRunUs
  }
}

/** Of threads that are ended as a whole, or where there is nothing to interrupt with: fuel ends what it can. */
export const noGuard: Guard = {
  number: 0,
  allot() {},
  mostUs: () => Infinity,
  run: (call) => call(),
  whole: (act) => act,
}

/**
 * Of any thread: whether each call that another thread runs under the guard with this number is interrupted, as soon as it is
 * seen and however little it ran. What the thread does of its own goes on.
 */
export const cutCalls = (number: number, cut: boolean): void => addon.guardCut(number, cut ? 1 : 0)

const isInterruption = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'GUEST_INTERRUPTED'

/** The guard of this thread; undefined where this Node, or this system, has not what it takes. */
export function openGuard(): Guard | undefined {
  const buffer = addon.guardOpen()
  if (buffer === null) return undefined
  const words = new Int32Array(buffer)
  let mayRunUs = 0
  let calls = 0

  /** Of a call that is to end: it does, in this loop. */
  const end = (): never => {
    for (;;);
  }
  const enterHost = (): number => {
    const number = Atomics.load(words, call)
    if (number === 0) return 0 // the host asks on its own account
    const goesOn = number > 0 && Atomics.compareExchange(words, call, number, number + inHost) === number
    return goesOn ? number : end()
  }
  const leaveHost = (number: number): void => {
    if (number === 0 || Atomics.compareExchange(words, call, number + inHost, number) === number + inHost) return
    addon.guardYield()
    end()
  }

  return {
    number: addon.guardNumber(),
    allot(us) {
      mayRunUs = us
      words[allotment] = words[allotment]! + 1
      words[limit] = us + graceUs
      words[witnessed] = 0
      calls = 0
    },
    mostUs: () => words[witnessed]! + calls * unseenUs,
    run(call) {
      calls++
      try {
        return addon.guardRun(call)
      } catch (cause) {
        if (isInterruption(cause)) throw new Interruption(words[witnessed]!, mayRunUs, { cause })
        throw cause
      }
    },
    whole(act) {
      return (...parameters) => {
        const number = enterHost()
        try {
          return act(...parameters)
        } finally {
          leaveHost(number)
        }
      }
    },
  }
}
