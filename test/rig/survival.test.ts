import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ServiceState } from '../../gen/proto/openracing/v1/supervisor.ts'
import type { Home } from '../../rpc/home.ts'
import { openRigWindow } from '../../shm/rig-window.ts'
import { isAlive } from '../alive.ts'
import { inTime, until } from '../until.ts'
import { apiOf, isRunning, type LoopWatch, startNextHost, startRig, watchLoop } from './rig.ts'

// What a driver feels while the platform above the loop dies. The force comes from a producer that needs nobody.

const services = ['trust', 'wasm-runner', 'dsp-helper'] as const
/** A rig is worn out by this many deaths of a service: the pauses before its restarts grow. So each round has its own. */
const rounds = 10
const amplitudeNm = 2
const frequencyHz = 0.5
/**
 * More than a tick may change when the producer, a process of its own, is kept waiting for 160 ms and the loop fades: 1.6 N·m
 * in 50 ms is 0.032 N·m, and an answer that was late and passed by adds the lag of the filter, 0.016 N·m, and what the input
 * did meanwhile, 0.006 N·m a ms. Far less than any loss of torque.
 */
const stepMaxNm = 0.2

/** The independent producer. */
function startForce(home: Home): AsyncDisposable {
  const program = fileURLToPath(new URL('../processes/sine-force.ts', import.meta.url))
  const environment = { ...process.env, OPENRACING_HOME: home.configDir }
  const child = spawn(process.execPath, [program, `${amplitudeNm}`, `${frequencyHz}`], {
    env: environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await inTime('the producer has ended', exited)
    },
  }
}

type Api = ReturnType<typeof apiOf>

/** Kills what `victims` names, all at once. */
async function kill(api: Api, hostPid: number, victims: readonly string[]): Promise<void> {
  const now = await api.services()
  const pids = victims.map((name) =>
    name === 'host' ? hostPid : (now.find((one) => one.name === name)?.pid as number),
  )
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until('what was killed is gone', () => pids.every((pid) => !isAlive(pid)))
}

async function isBack(api: Api): Promise<boolean> {
  const [now, plugins] = await Promise.all([api.services(), api.plugins()])
  return now.every(({ state }) => state === ServiceState.SERVICE_STATE_RUNNING) && plugins.every(isRunning)
}

/** Waits until the loop has done as many ticks again as its torque needs to show what became of it. */
async function goOn(loop: LoopWatch): Promise<void> {
  const before = loop.ticks()
  await until('the loop goes on', () => loop.gaps().length > 0 || loop.ticks() > before + 200)
}

function expectUntouched(loop: LoopWatch, after: string): void {
  assert.deepEqual(loop.gaps(), [], `no tick is missing after ${after}`)
  assert.ok(loop.maxStepNm() < stepMaxNm, `torque made a step of ${loop.maxStepNm()} N·m after ${after}`)
}

async function survive(home: Home, firstHostPid: number): Promise<void> {
  await using ends = new AsyncDisposableStack()
  const window = ends.adopt(openRigWindow(home), (it) => it.close())
  const loopPid = window.pid()
  const loop = ends.adopt(watchLoop(home), (it) => it.close())
  let api = ends.adopt(apiOf(home), (it) => it.close())
  const lowpass = async () => (await api.plugins()).find(({ name }) => name === 'lowpass')
  for (const victim of services) {
    await kill(api, firstHostPid, [victim])
    await until(`the rig is whole after ${victim} was killed`, () => isBack(api))
    await goOn(loop)
    expectUntouched(loop, victim)
  }
  let hostPid = firstHostPid
  for (const victims of [['host'], ['host', ...services]]) {
    await kill(api, hostPid, victims)
    const next = ends.use(await startNextHost(home))
    hostPid = next.pid
    api = ends.adopt(apiOf(home), (it) => it.close())
    await until(`the rig is whole after ${victims.join(', ')} were killed`, () => isBack(api))
    await goOn(loop)
    expectUntouched(loop, victims.join(', '))
    assert.equal(window.pid(), loopPid, 'the same process runs the loop')
  }
  assert.equal((await lowpass())?.statistics?.restarts, 0, 'the Fast plugin was adopted, not replaced')
}

test('host, trust, wasm-runner and dsp-helper are killed one by one and all at once, ten times, and the driver feels nothing', {
  timeout: 400_000,
}, async () => {
  for (let round = 0; round < rounds; round++) {
    await using rig = await startRig()
    const { home } = rig.rig
    await using _force = startForce(home)
    const watch = watchLoop(home)
    await until('torque flows', () => watch.gaps().length >= 0 && Math.abs(watch.torqueNm()) > amplitudeNm / 2)
    watch.close()
    await survive(home, rig.rig.pid)
    await inTime('the first host is gone', rig.rig.exited)
  }
})
