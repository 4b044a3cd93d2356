import { setTimeout as delay } from 'node:timers/promises'
import { chainMax } from '../../gen/layout.ts'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError } from '../../rpc/failure.ts'
import { nobody } from '../../supervision/found-process.ts'
import type { ChainPlace } from './control.ts'
import type { Numbers } from './loop-view.ts'
import { newPlace, type Place, type PlaceNeeds, type SavedPlace, takePlace } from './place.ts'
import { rateOf } from './rate.ts'
import type { SavedSeat, Seat, SeatProcess } from './seat.ts'

/** How often the loop is asked whether it has let go, and how long it may take, ms: it does at its next plan. */
const letGoEveryMs = 2
const letGoWithinMs = 1000

export interface ChainNeeds extends Omit<PlaceNeeds, 'nextInstance' | 'besides' | 'retire'> {
  readonly numbers: Numbers
  readonly saved: readonly SavedPlace[]
}

/** The Fast plugins of a rig, in their order. */
export interface Chain {
  places(): readonly Place[]
  /** Processes that the loop is not to be told of: not ready yet, or about to end. */
  others(): readonly SeatProcess[]
  /** What the loop is to be told. */
  published(): readonly ChainPlace[]
  numbers(): Numbers
  /**
   * Makes these the chain: those that are ready at once, and those that are not when they are. Resolves when what left has
   * ended, and each of the others runs or has failed. May be called again meanwhile.
   */
  set(specs: readonly FastPluginSpec[]): Promise<void>
  /** Takes these out of the chain, also while it is being set. Resolves when they have ended. */
  end(ids: readonly string[]): Promise<void>
  /** Ends every plugin at once: there is no loop any more. */
  close(): Promise<void>
}

export function createChain({ numbers, saved, ...needs }: ChainNeeds): Chain {
  let { instances, lives } = numbers
  let places: readonly Place[] = []
  const retiring = new Set<Seat>()

  /** The slot that was free for longest: a plugin that left it may still be in the loop's present plan. */
  const freeSlot = (taken: ReadonlySet<number>): number | undefined =>
    Array.from({ length: chainMax }, (_, index) => (lives + index) % chainMax).find((slot) => !taken.has(slot))

  const slotsOf = (some: readonly Place[]): readonly number[] => some.flatMap((place) => place.slots())
  const slotsLeaving = (): readonly number[] => [...retiring].map((seat) => seat.saved().slot)

  async function retire(seat: Seat): Promise<void> {
    retiring.add(seat)
    const deadline = performance.now() + letGoWithinMs
    const held = (): boolean => {
      const place = seat.place()
      return place !== undefined && !needs.loop.hasLetGo(place)
    }
    while (held() && performance.now() < deadline) await delay(letGoEveryMs)
    await seat.close()
    retiring.delete(seat)
  }

  /** Where a successor runs beside a seat: in a slot of its own, or in a full chain as the seat's next instance. */
  function besides(seat: SavedSeat): SavedSeat {
    const free = freeSlot(new Set([...slotsOf(places), ...slotsLeaving()]))
    if (free === undefined) return { ...seat, ...nobody, fence: 0, instance: 0 }
    lives += 1
    return { slot: free, life: lives, instance: 0, fence: 0, ...nobody, restarts: seat.restarts }
  }

  const take = (place: SavedPlace): Place =>
    takePlace(place, { ...needs, nextInstance: () => ++instances, besides, retire })

  /** A place for a plugin that is new. The loop gives a slot that is still in use to it once it has let go. */
  function takeNew(spec: FastPluginSpec, others: readonly Place[]): Place {
    lives += 1
    const slot = freeSlot(new Set([...slotsOf(others), ...slotsLeaving()])) ?? freeSlot(new Set(slotsOf(others)))
    if (slot === undefined)
      throw new RigError('REQUEST_INVALID', `no room for ${spec.name}: plugins are being replaced; ask again`)
    return take(newPlace(spec, slot, lives))
  }

  async function set(specs: readonly FastPluginSpec[]): Promise<void> {
    if (specs.length > chainMax) {
      throw new RigError('REQUEST_INVALID', `${specs.length} Fast plugins are enabled; a chain has ${chainMax} at most`)
    }
    const staying = places.filter(({ id }) => specs.some((spec) => spec.id === id))
    const leaving = places.filter((place) => !staying.includes(place)).flatMap((place) => place.leave())
    const left = leaving.map(retire) // their slots are taken for as long as the loop has them
    const all = [...staying]
    for (const spec of specs) if (!all.some(({ id }) => id === spec.id)) all.push(takeNew(spec, all))
    const placed = specs.map((spec) => ({ spec, place: all.find(({ id }) => id === spec.id) as Place }))
    places = placed.map(({ place }) => place)
    for (const { spec, place } of placed) place.pace(rateOf(spec))
    needs.changed() // who left is out of the loop, and who stays has its rate, whatever becomes of the others
    const asked = placed.map(({ spec, place }) => place.ask(spec))
    await Promise.all([...left, ...asked])
  }

  async function end(ids: readonly string[]): Promise<void> {
    const leaving = places.filter(({ id }) => ids.includes(id))
    const left = leaving.flatMap((place) => place.leave()).map(retire)
    places = places.filter((place) => !leaving.includes(place))
    if (leaving.length > 0) needs.changed()
    await Promise.all(left)
  }

  function others(): readonly SeatProcess[] {
    const starting = places.map((place) => place.seat()).filter((seat) => seat.place() === undefined)
    const successors = places.flatMap((place) => place.successor() ?? [])
    return [...starting, ...successors, ...retiring].map((seat) => seat.process()).filter(({ pid }) => pid !== 0)
  }

  places = saved.map(take)

  return {
    places: () => places,
    others,
    published: () => places.flatMap((place) => place.published() ?? []),
    numbers: () => ({ instances, lives }),
    set,
    end,
    close: async () => {
      const seats = [...places.flatMap((place) => place.leave()), ...retiring]
      await Promise.all(seats.map((seat) => seat.close()))
    },
  }
}
