import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { fastPlugin } from '../test/native-plugin.ts'
import { executions, limits, type PlaneUnderTest, pluginOf, startPlane, torqueNm } from '../test/plane.ts'
import { type Contestant, createContestant } from './contestant.ts'
import { builtProgram } from './program.ts'

/** Of the rounds. Each starts a plugin once and kills the loop once. */
export interface Spread {
  readonly p50: number
  readonly max: number
}

/** What it takes to have a Fast plugin, and to have the loop back. */
export interface ProcessFigures {
  /** From the order to the plugin's report that it is ready. */
  readonly ready_ms: Spread
  /** From the order to the first frame that it answered, the loop's own look for a new chain every 5 ms included. */
  readonly first_frame_ms: Spread
  /** Proportional set size of an idle plugin's process. */
  readonly pss_kib: Spread
  /** From the last tick of a loop that is killed to the first of the next one. */
  readonly loop_silence_ms: Spread
  /** From the kill to nine tenths of the torque that there was. */
  readonly torque_back_ms: Spread
}

const name = 'pass-through'
/** What the plane's producer asks for, N·m, and how much of it counts as back. */
const wantedNm = 2
const backNm = 0.9 * wantedNm

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50: sorted[Math.floor((sorted.length - 1) / 2)] as number, max: sorted.at(-1) as number }
}

/** Milliseconds from `beganMs` until `there`, looked at as often as this process gets to. Rejects after 5 s. */
async function msUntil(what: string, beganMs: number, there: () => boolean): Promise<number> {
  while (!there()) {
    if (performance.now() - beganMs > 5000) throw new Error(`waited 5 s in vain until ${what}`)
    await turn()
  }
  return performance.now() - beganMs
}

function pssKib(pid: number): number {
  const [, kib] = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kib)
}

async function killLoop(rig: PlaneUnderTest): Promise<{ readonly silenceMs: number; readonly torqueMs: number }> {
  await msUntil('there is torque', performance.now(), () => torqueNm(rig) > backNm)
  const beganMs = performance.now()
  process.kill(rig.plane.wheelRt().pid, 'SIGKILL')
  await msUntil('the loop is gone', beganMs, () => rig.plane.wheelRt().pid === 0)
  const last = rig.window.beatNs()
  await msUntil('the next loop ticks', beganMs, () => rig.window.beatNs() > last)
  const silenceMs = Number(rig.window.beatNs() - last) / 1e6
  // The torque in the status is the last loop's until the next one has ticked.
  return { silenceMs, torqueMs: await msUntil('torque is back', beganMs, () => torqueNm(rig) > backNm) }
}

/** A plugin's process from nothing, and a loop that is killed. */
export function processes(): Contestant<ProcessFigures> {
  const readyMs: number[] = []
  const frameMs: number[] = []
  const pss: number[] = []
  const silenceMs: number[] = []
  const torqueMs: number[] = []

  async function measure(): Promise<void> {
    await using rig = await startPlane()
    const beganMs = performance.now()
    await rig.plane.setChain([fastPlugin(name, builtProgram('pass_through.so'))], limits)
    readyMs.push(performance.now() - beganMs)
    frameMs.push(await msUntil('it answers', beganMs, () => executions(rig, name) > 0n))
    await msUntil('it has settled', performance.now(), () => executions(rig, name) > 100n)
    pss.push(pssKib(pluginOf(rig, name).pid))
    const kill = await killLoop(rig)
    silenceMs.push(kill.silenceMs)
    torqueMs.push(kill.torqueMs)
  }

  return createContestant('process', measure, () => ({
    ready_ms: spreadOf(readyMs),
    first_frame_ms: spreadOf(frameMs),
    pss_kib: spreadOf(pss),
    loop_silence_ms: spreadOf(silenceMs),
    torque_back_ms: spreadOf(torqueMs),
  }))
}
