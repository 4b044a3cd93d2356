import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { chainMax, rigControlBytes } from '../../gen/layout.ts'
import type { FastPlugin, FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { openRigWindow, type RigWindow, type SlotCounts } from '../../shm/rig-window.ts'
import { openControlSlot } from '../../shm/slots.ts'
import { type ChainPlace, decodeLimits, encodeControl, type Limits, noLimits } from './control.ts'
import { fastPluginOf } from './fast-plugin.ts'
import { createProgressWatch } from './progress.ts'
import { emptyRoster, readRoster, writeRoster } from './roster.ts'
import { type SavedSeat, type Seat, takeSeat } from './seat.ts'
import { fromSaved, sameSpec, toSaved } from './spec.ts'
import { keepWheelRt } from './wheel-rt.ts'

/** How often the loop hears that it is wanted, ms. It ends after 30 s without. */
const leaseEveryMs = 500
/** How often plugins are looked at, ms. */
const lookEveryMs = 100
/** How long the loop may take to fade torque out and end, ms. The fade is 50 ms. */
const stopGraceMs = 1000

export interface DataPlaneNeeds {
  readonly home: Home
  readonly programs: { readonly wheelRt: string; readonly wheelDsp: string }
  readonly log: Logger
}

/** The processes of the data plane, and what they are told. */
export interface DataPlane {
  /** True when the loop was running already. */
  readonly adopted: boolean
  /** Makes these plugins the chain; resolves when each new one runs or has failed. */
  setChain(specs: readonly FastPluginSpec[], limits: Limits): Promise<void>
  plugins(): readonly FastPlugin[]
  wheelRt(): { readonly pid: number; readonly restarts: number }
  /** Fades torque out, ends every process and removes what they shared. May be called twice. */
  close(): Promise<void>
}

/** Takes over the data plane of this rig where it runs, and starts it where it does not. */
export function startDataPlane({ home, programs, log }: DataPlaneNeeds): DataPlane {
  const rosterPath = join(home.shmDir, 'roster.json')
  const logFd = openSync(join(home.stateDir, 'data-plane.log'), 'a', 0o600)
  const cell = openControlSlot(home)
  const left = Buffer.alloc(rigControlBytes)
  let limits = cell.read(left) > 0n ? decodeLimits(left) : noLimits
  const roster = readRoster(rosterPath)
  let { instances, lives } = roster
  let seats: readonly Seat[] = []
  let stop = false
  let built = false

  const chain = (): readonly ChainPlace[] => seats.flatMap((seat) => seat.place() ?? [])
  const publish = (): void => cell.publish(encodeControl({ stop, limits, chain: chain() }, process.hrtime.bigint()))

  function changed(): void {
    // Until we know who is here what was published last stands, and at the end there is nothing left to tell.
    if (!built || stop) return
    const saved = seats.map((seat) => ({ spec: toSaved(seat.spec), ...seat.saved() }))
    writeRoster(rosterPath, { ...emptyRoster, instances, lives, seats: saved, wheelRtRestarts: loop.restarts() })
    publish()
  }

  const needs = {
    shmDir: home.shmDir,
    wheelDsp: programs.wheelDsp,
    logFd,
    log,
    nextInstance: () => ++instances,
    changed: () => changed(),
  }

  function newSeat(spec: FastPluginSpec, taken: ReadonlySet<number>): SavedSeat {
    lives += 1
    // The slot that was free for longest: a plugin that left it may still be in the loop's present plan.
    const slot = Array.from({ length: chainMax }, (_, index) => (lives + index) % chainMax).find(
      (index) => !taken.has(index),
    )
    if (slot === undefined)
      throw new RigError('REQUEST_INVALID', `no room for ${spec.name}: a chain has ${chainMax} plugins at most`)
    return { slot, life: lives, instance: 0, pid: 0, restarts: 0 }
  }

  seats = roster.seats.map((saved) => takeSeat(fromSaved(saved.spec), saved, needs))
  const loop = keepWheelRt({
    home,
    wheelRt: programs.wheelRt,
    logFd,
    log,
    restarts: roster.wheelRtRestarts,
    changed: () => changed(),
  })
  built = true
  changed()

  let window: RigWindow | undefined
  function counts(): readonly SlotCounts[] {
    try {
      window ??= openRigWindow(home)
      return window.slots()
    } catch {
      return [] // wheel-rt has not made it yet
    }
  }
  const countsOf = (seat: Seat): SlotCounts | undefined => {
    const { slot, life } = seat.saved()
    const found = counts()[slot]
    return found?.life === life ? found : undefined
  }

  const progress = createProgressWatch()
  function look(): void {
    const now = process.hrtime.bigint()
    loop.look(now)
    for (const seat of seats) {
      const found = countsOf(seat)
      const why = found === undefined || seat.place() === undefined ? undefined : progress.complaint(found, now)
      if (why !== undefined) void seat.killProcess(why)
    }
  }
  const leaseTimer = setInterval(publish, leaseEveryMs)
  const lookTimer = setInterval(look, lookEveryMs)

  async function setChain(specs: readonly FastPluginSpec[], newLimits: Limits): Promise<void> {
    if (specs.length > chainMax) {
      throw new RigError('REQUEST_INVALID', `${specs.length} Fast plugins are enabled; a chain has ${chainMax} at most`)
    }
    limits = newLimits
    const staying = seats.filter((seat) => specs.some((spec) => sameSpec(spec, seat.spec)))
    const leaving = seats.filter((seat) => !staying.includes(seat))
    const taken = new Set(seats.map((seat) => seat.saved().slot))
    seats = specs.map((spec) => {
      const stays = staying.find((seat) => sameSpec(spec, seat.spec))
      if (stays !== undefined) return stays
      const place = newSeat(spec, taken)
      taken.add(place.slot)
      return takeSeat(spec, place, needs)
    })
    changed()
    await Promise.all([...leaving.map((seat) => seat.close()), ...seats.map((seat) => seat.settled)])
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    clearInterval(lookTimer)
    stop = true
    publish()
    await loop.close(stopGraceMs)
    clearInterval(leaseTimer)
    await Promise.all(seats.map((seat) => seat.close()))
    window?.close()
    cell.close()
    closeSync(logFd)
    const ours = /^(control|rig|input|output|loop\.lock|roster\.json(\.new)?|(plugin|config)-\d+)$/
    if (!existsSync(home.shmDir)) return // without a host, wheel-rt removes everything when it ends
    for (const name of readdirSync(home.shmDir)) if (ours.test(name)) rmSync(join(home.shmDir, name), { force: true })
  }

  return {
    adopted: loop.adopted,
    setChain,
    plugins: () =>
      seats.map((seat) => fastPluginOf(seat, countsOf(seat), (slot) => (window as RigWindow).slotCpu(slot))),
    wheelRt: () => ({ pid: loop.pid(), restarts: loop.restarts() }),
    close: () => (closing ??= close()),
  }
}
