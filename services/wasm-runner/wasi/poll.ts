import { openFile } from './beneath.ts'
import { type ClockNeeds, readClock } from './clocks.ts'
import type { OpenThing } from './descriptors.ts'
import { errno, Refusal, refuse } from './errno.ts'
import { flagsOf } from './numbers.ts'
import { prices } from './prices.ts'
import { recordBytes } from './records.ts'
import type { Call, World } from './world.ts'

/** Subscriptions of one call; INVAL for more. A plugin has no more descriptors than that to ask about. */
export const subscriptionsMax = 128

/** `eventtype`, `subclockflags` and `eventrwflags` of typenames.witx. */
const eventtype = { clock: 0, read: 1, write: 2 } as const
const absoluteTime = 1
const hangup = 1

/** Something that a guest waits for, and what became of it. */
interface Event {
  readonly userdata: bigint
  readonly type: number
  readonly errno: number
  /** Of a clock: how long until it is time, ns. */
  readonly waitNs: bigint
  readonly bytes: bigint
  readonly flags: number
}

const ready = { errno: errno.SUCCESS, waitNs: 0n, bytes: 0n, flags: 0 } as const

/** What can be read at once. stdin is at its end: a hangup. */
function readable(thing: OpenThing): Pick<Event, 'bytes' | 'flags'> {
  if (thing.kind !== 'file') return { bytes: 0n, flags: thing.kind === 'input' ? hangup : 0 }
  const left = openFile.stat(thing.handle).size - BigInt(openFile.seek(thing.handle, 0, 'current'))
  return { bytes: left > 0n ? left : 0n, flags: 0 }
}

function writeEvent(view: DataView, { userdata, errno, type, bytes, flags }: Event): void {
  for (let at = 0; at < recordBytes.event; at += 8) view.setBigUint64(at, 0n)
  view.setBigUint64(0, userdata, true)
  view.setUint16(8, errno, true)
  view.setUint8(10, type)
  view.setBigUint64(16, bytes, true)
  view.setUint16(24, flags, true)
}

/** Those that have come to pass: all but the clocks whose time is not yet; or, when there is nothing else, the next of them. */
function occurred(events: readonly Event[]): readonly Event[] {
  const soonest = events.reduce((least, { waitNs }) => (waitNs < least ? waitNs : least), events[0]?.waitNs ?? 0n)
  return events.filter(({ waitNs }) => waitNs <= (soonest > 0n ? soonest : 0n))
}

/**
 * poll_oneoff never waits. Files and the log are always ready; and where there is nothing but a time to wait for, it is
 * said to have come: a sleep is over at once. A tick has no time to sleep, and whoever sleeps here has every other plugin
 * of the thread sleep. Who goes on until a clock says so spends fuel, and ends with it.
 */
export function pollCalls({ memory, descriptors, pay }: World, clocks: ClockNeeds) {
  const clockEvent = (view: DataView): Pick<Event, 'waitNs'> => {
    const now = readClock(clocks, view.getUint32(16, true))
    const timeout = view.getBigUint64(24, true)
    return { waitNs: flagsOf(view.getUint16(40, true), absoluteTime) === 0 ? timeout : timeout - now }
  }
  const eventOf = (type: number, view: DataView): Partial<Event> => {
    const fd = view.getUint32(16, true)
    switch (type) {
      case eventtype.clock:
        return clockEvent(view)
      case eventtype.read:
        return readable(descriptors.at(fd, 'POLL_FD_READWRITE', 'FD_READ').thing)
      case eventtype.write:
        descriptors.at(fd, 'POLL_FD_READWRITE', 'FD_WRITE')
        return {}
      default:
        return refuse('INVAL')
    }
  }
  const look = (view: DataView): Event => {
    const [userdata, type] = [view.getBigUint64(0, true), view.getUint8(8)]
    try {
      return { userdata, type, ...ready, ...eventOf(type, view) }
    } catch (cause) {
      if (cause instanceof Refusal) return { userdata, type, ...ready, errno: cause.errno }
      throw cause
    }
  }

  return {
    poll_oneoff(subscriptions: number, events: number, count: number, result: number) {
      const number = count >>> 0
      if (number === 0 || number > subscriptionsMax) refuse('INVAL')
      pay(prices.subscription * number)
      const size = memory.view(result, 4)
      const asked = memory.view(subscriptions, number * recordBytes.subscription)
      const answers = memory.view(events, number * recordBytes.event)
      const { subscription, event } = recordBytes
      const all = Array.from({ length: number }, (_, index) =>
        look(new DataView(asked.buffer, asked.byteOffset + index * subscription, subscription)),
      )
      const happened = occurred(all)
      for (const [index, one] of happened.entries()) {
        writeEvent(new DataView(answers.buffer, answers.byteOffset + index * event, event), one)
      }
      size.setUint32(0, happened.length, true)
    },
  } satisfies Record<string, Call>
}
