import { frameSlotBytes, frameSlot as layout, ringSlots } from '../gen/layout.ts'
import type { Home } from '../rpc/home.ts'
import { openOutputRing } from '../shm/slots.ts'

/** The ring holds a second; it is read twenty times as often. */
const readEveryMs = 50
const periodNs = 1_000_000

/** One tick as the loop told it. */
export interface Tick {
  readonly number: bigint
  /** When it was due, CLOCK_MONOTONIC. */
  readonly dueNs: bigint
  /** Ticks of the schedule that were lost just before it. */
  readonly lost: number
  readonly inputNm: number
  readonly torqueNm: number
}

/** Every tick of a loop from the first look on. It is the one reader of the rig's output ring. */
export interface LoopRecord extends Disposable {
  /** Reads what there is; the ticks so far, oldest first. */
  ticks(): readonly Tick[]
  /** Numbers of ticks whose successor was never told, although there was room for it. */
  gaps(): readonly bigint[]
}

const tickAt = (slots: Buffer, at: number): Tick => ({
  number: slots.readBigUInt64LE(at + layout.reserved.offset),
  dueNs: slots.readBigUInt64LE(at + layout.timestamp_ns.offset),
  lost: Math.floor(slots.readUInt32LE(at + layout.cpu_ns.offset) / periodNs), // the output ring's lateness
  inputNm: slots.readFloatLE(at + layout.ffb_in.offset),
  torqueNm: slots.readFloatLE(at + layout.torque_out.offset),
})

/** The largest change of torque from one tick to the next, beyond the change of what came in, N·m. */
export function maxStepNm(ticks: readonly Tick[]): number {
  const steps = ticks.slice(1).map(({ number, torqueNm, inputNm }, index) => {
    const before = ticks[index] as Tick
    if (number !== before.number + 1n) return 0
    // A machine that stood still for some ms has missed some ms of the input, and so has the torque.
    return Math.abs(torqueNm - before.torqueNm) - Math.abs(inputNm - before.inputNm)
  })
  return steps.reduce((most, step) => Math.max(most, step), 0)
}

export function recordLoop(home: Home): LoopRecord {
  const ring = openOutputRing(home)
  const slots = Buffer.alloc(ringSlots * frameSlotBytes)
  const ticks: Tick[] = []
  const gaps: bigint[] = []
  let full = true // what was there before us may have overflowed while nobody read

  function read(): void {
    const count = ring.pop(slots)
    for (let index = 0; index < count; index++) {
      const tick = tickAt(slots, index * frameSlotBytes)
      const before = ticks.at(-1)?.number
      // A ring that was full took no more: what is missing after it is missing because we were away.
      if (before !== undefined && tick.number !== before + 1n && !(full && index === 0)) gaps.push(before)
      ticks.push(tick)
    }
    if (count > 0) full = count === ringSlots
  }

  ring.pop(slots)
  const timer = setInterval(read, readEveryMs)
  return {
    ticks: () => {
      read()
      return ticks
    },
    gaps: () => {
      read()
      return gaps
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
      ring.close()
    },
  }
}
