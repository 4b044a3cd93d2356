import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { rigControlBytes } from '../../gen/layout.ts'
import type { FastPlugin, FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { Home } from '../../rpc/home.ts'
import { rosterPath } from '../../shm/data-plane-processes.ts'
import { openControlSlot } from '../../shm/slots.ts'
import { createChain } from './chain.ts'
import { decodeLimits, encodeControl, type Limits, noLimits } from './control.ts'
import { viewLoop } from './loop-view.ts'
import { type Roster, readRoster, writeRoster } from './roster.ts'
import { type SandboxGap, watchSandbox } from './sandbox.ts'
import { fromSaved, toSaved } from './spec.ts'
import { watchSpending } from './spending-watch.ts'
import { endStrays } from './strays.ts'
import { watchPlugins } from './watch.ts'
import { keepWheelRt } from './wheel-rt.ts'

/** How often the loop hears that it is wanted, ms. It ends after 30 s without. */
const leaseEveryMs = 500
/** How often plugins are looked at, ms: one that hangs is to be ended within 20. */
const lookEveryMs = 5
/** How often what their processes spend is, ms. */
const spendingEveryMs = 50
/** How often what they and the loop count is, ms. */
const tallyEveryMs = 100
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
  /** Makes these plugins the chain; see Chain.set. */
  setChain(specs: readonly FastPluginSpec[], limits: Limits): Promise<void>
  /** Takes these plugins out of the chain; see Chain.end. */
  end(ids: readonly string[]): Promise<void>
  plugins(): readonly FastPlugin[]
  wheelRt(): { readonly pid: number; readonly restarts: number }
  /** What this kernel cannot do to confine plugins, as far as it showed. */
  missingSandbox(): SandboxGap
  /** Fades torque out, ends every process and removes what they shared. May be called twice. */
  close(): Promise<void>
}

/** Six characters more are of a file that somebody was killed over while it was made. */
const ours = /^(loop\.lock|roster\.json(\.new)?|(control|rig|input|output|(plugin|config)-\d+)(\.\w{6})?)$/

/** Without a host, wheel-rt removes everything when it ends. */
function removeShared({ shmDir }: Home): void {
  if (!existsSync(shmDir)) return
  for (const name of readdirSync(shmDir)) if (ours.test(name)) rmSync(join(shmDir, name), { force: true })
}

/** Where the loop is told what to do. */
function openControl(home: Home) {
  const cell = openControlSlot(home)
  const left = Buffer.alloc(rigControlBytes)
  return { ...cell, limitsLeft: cell.read(left) > 0n ? decodeLimits(left) : noLimits }
}

/** Takes over the data plane of this rig where it runs, and starts it where it does not. */
export function startDataPlane({ home, programs, log }: DataPlaneNeeds): DataPlane {
  const roster = readRoster(rosterPath(home.shmDir))
  endStrays(home.shmDir, roster)
  const logFd = openSync(join(home.stateDir, 'data-plane.log'), 'a', 0o600)
  const control = openControl(home)
  const view = viewLoop(home)
  const taken = view.numbers()
  const sandbox = watchSandbox(log)
  const spending = watchSpending(view)
  let limits = control.limitsLeft
  let stop = false
  let built = false

  const publish = (): void =>
    control.publish(encodeControl({ stop, limits, chain: chain.published() }, process.hrtime.bigint()))

  function save(): void {
    const places = chain.places().map((place) => {
      const { spec, ...saved } = place.saved()
      return { spec: toSaved(spec), ...saved }
    })
    const wheelRtRestarts = loop.restarts()
    const saved: Roster = { version: 5, ...chain.numbers(), places, others: chain.others(), wheelRtRestarts }
    writeRoster(rosterPath(home.shmDir), saved)
  }

  function changed(): void {
    // Until we know who is here what was published last stands, and at the end there is nothing left to tell.
    if (!built || stop) return
    save()
    publish()
  }

  const chain = createChain({
    shmDir: home.shmDir,
    wheelDsp: programs.wheelDsp,
    logFd,
    log,
    loop: view,
    sandbox,
    wasBusy: spending.wasBusy,
    nowMs: Date.now,
    changed,
    numbers: {
      instances: Math.max(roster.instances, taken.instances),
      lives: Math.max(roster.lives, taken.lives),
    },
    saved: roster.places.map(({ spec, ...saved }) => ({ ...saved, spec: fromSaved(spec) })),
  })
  const loop = keepWheelRt({ home, wheelRt: programs.wheelRt, logFd, log, restarts: roster.wheelRtRestarts, changed })
  built = true
  changed()

  const watch = watchPlugins(view)
  function tally(): void {
    loop.look(process.hrtime.bigint())
    const charged = chain.places().map((place) => place.tally())
    if (charged.includes(true) && !stop) save()
  }
  const timers = [
    setInterval(publish, leaseEveryMs),
    setInterval(() => watch.look(chain.places()), lookEveryMs),
    setInterval(() => spending.look(chain.places()), spendingEveryMs),
    setInterval(tally, tallyEveryMs),
  ]

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    stop = true
    publish()
    await loop.close(stopGraceMs)
    await chain.close()
    for (const timer of timers) clearInterval(timer) // not before: nothing else keeps us here until the processes are gone
    view.close()
    control.close()
    closeSync(logFd)
    removeShared(home)
  }

  return {
    adopted: loop.adopted,
    setChain: (specs, newLimits) => {
      limits = newLimits
      return chain.set(specs)
    },
    end: chain.end,
    plugins: () => chain.places().map((place) => place.report()),
    wheelRt: () => ({ pid: loop.pid(), restarts: loop.restarts() }),
    missingSandbox: sandbox.missing,
    close: () => (closing ??= close()),
  }
}
