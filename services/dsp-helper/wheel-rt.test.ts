import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { frameSlotBytes, frameSlot as layout, rigStatus } from '../../gen/layout.ts'
import { createHome, findHome, type Home } from '../../rpc/home.ts'
import { openRigWindow } from '../../shm/rig-window.ts'
import { openControlSlot, openOutputRing } from '../../shm/slots.ts'
import { isAlive } from '../../test/alive.ts'
import { produceForce } from '../../test/force-producer.ts'
import { giveAway, ordinaryUser } from '../../test/ordinary-user.ts'
import { limits } from '../../test/plane.ts'
import { letTorqueFlow } from '../../test/torque-word.ts'
import { inTime, until } from '../../test/until.ts'
import { encodeControl } from './control.ts'

const program = fileURLToPath(new URL('../../native/build/wheel-rt', import.meta.url))
const slewPerTickNm = limits.maxSlewNmPerS / 1000

interface Loop extends AsyncDisposable {
  readonly home: Home
  readonly pid: number
  readonly exited: Promise<unknown[]>
  /** Tells the loop its limits, as if that had been said `agoNs` ago. */
  want(agoNs: bigint): void
  /** Torque of every tick so far, N·m. */
  torques(): readonly number[]
}

/** wheel-rt alone: no dsp-helper, no host. As an ordinary user when a program that runs it comes `before`. */
function startLoop(...before: readonly string[]): Loop {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-loop-'))
  const home = findHome({ OPENRACING_HOME: directory })
  createHome(home)
  letTorqueFlow(home)
  const control = openControlSlot(home)
  const output = openOutputRing(home)
  const torques: number[] = []
  const slots = Buffer.alloc(1024 * frameSlotBytes)
  const want = (agoNs: bigint): void =>
    control.publish(encodeControl({ stop: false, limits, chain: [] }, process.hrtime.bigint() - agoNs))
  const drain = (): readonly number[] => {
    const count = output.pop(slots)
    for (let index = 0; index < count; index++)
      torques.push(slots.readFloatLE(index * frameSlotBytes + layout.torque_out.offset))
    return torques
  }
  want(0n)
  const [command = '', ...args] = [...before, program, home.shmDir, join(home.runtimeDir, 'host.sock.lock')]
  const user = before.length === 0 ? {} : ordinaryUser
  if (before.length > 0) giveAway(home.shmDir, ...readdirSync(home.shmDir).map((name) => join(home.shmDir, name)))
  const child = spawn(command, args, { ...user, stdio: 'ignore' })
  const timer = setInterval(drain, 50)
  return {
    home,
    pid: child.pid as number,
    exited: once(child, 'exit'),
    want,
    torques: drain,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      child.kill('SIGKILL')
      output.close()
      control.close()
      rmSync(directory, { recursive: true, force: true })
      rmSync(home.shmDir, { recursive: true, force: true })
    },
  }
}

function largestStep(torques: readonly number[]): number {
  return torques.reduce((largest, torque, index) => Math.max(largest, Math.abs(torque - (torques[index - 1] ?? 0))), 0)
}

const full = (loop: Loop): boolean => Math.abs((loop.torques().at(-1) ?? 0) - 2) < 0.01

test('a loop that nobody has wanted for 30 s fades its torque to zero, ends, and removes what it shared', async () => {
  await using loop = startLoop()
  using _producer = produceForce(loop.home, () => 2)
  await until('2 N·m are at the wheel', () => full(loop))
  loop.want(31_000_000_000n)
  assert.deepEqual(await inTime('the loop ended', loop.exited), [0, null])
  const torques = loop.torques()
  assert.equal(torques.at(-1), 0)
  assert.ok(largestStep(torques) <= slewPerTickNm * 1.001, `${largestStep(torques)} N·m in one tick`)
  assert.ok(!existsSync(loop.home.shmDir))
})

/** What the loop did, and how long it took by its own clock, in ticks. */
function progressOf(home: Home) {
  const window = openRigWindow(home)
  const bytes = Buffer.alloc(rigStatus.lateness.offset)
  window.copy(bytes)
  window.close()
  const counted = (field: 'ticks' | 'missed_ticks') => Number(bytes.readBigUInt64LE(rigStatus[field].offset))
  return {
    ticks: counted('ticks'),
    missed: counted('missed_ticks'),
    ms: Number(bytes.readBigUInt64LE(rigStatus.beat_ns.offset)) / 1e6,
  }
}

test('ticks that were lost while the machine stood still are counted, and not made up for', async () => {
  await using loop = startLoop()
  await until('the loop ticks', () => loop.torques().length > 100)
  const before = progressOf(loop.home)
  process.kill(loop.pid, 'SIGSTOP')
  const stoodMs = performance.now()
  await until('it stood still for 80 ticks', () => performance.now() > stoodMs + 80)
  process.kill(loop.pid, 'SIGCONT')
  await until('it has run on for a while', () => progressOf(loop.home).ticks > before.ticks + 200)
  const after = progressOf(loop.home)
  const [ticks, missed] = [after.ticks - before.ticks, after.missed - before.missed]
  assert.ok(missed >= 50, `${missed} ticks are counted as lost`)
  // Every period is either a tick or a lost one; the beat of a tick is late by what the machine likes.
  const periods = Math.round(after.ms - before.ms)
  assert.ok(Math.abs(ticks + missed - periods) <= 20, `${ticks} ticks and ${missed} lost in ${periods} periods`)
})

test('torque begins at zero, and fades to zero when the input falls silent; the loop runs on', async () => {
  await using loop = startLoop()
  await until('the loop ticks', () => loop.torques().length > 0)
  assert.equal(loop.torques()[0], 0)
  using producer = produceForce(loop.home, () => 2)
  await until('2 N·m are at the wheel', () => full(loop))
  producer.close()
  await until('the torque is gone', () => loop.torques().at(-1) === 0)
  const silent = loop.torques().length
  await until('100 more ticks', () => loop.torques().length > silent + 100)
  assert.ok(
    loop
      .torques()
      .slice(silent)
      .every((torque) => torque === 0),
  )
  // The fade takes 50 ms: at 2 N·m no tick may take away much more than a fiftieth of it.
  assert.ok(largestStep(loop.torques()) < 0.1, `${largestStep(loop.torques())} N·m in one tick`)
})

test('SIGTERM fades torque out before the loop ends', async () => {
  await using loop = startLoop()
  using _producer = produceForce(loop.home, () => 2)
  await until('2 N·m are at the wheel', () => full(loop))
  process.kill(loop.pid, 'SIGTERM')
  assert.deepEqual(await inTime('the loop ended', loop.exited), [0, null])
  assert.equal(loop.torques().at(-1), 0)
  assert.ok(largestStep(loop.torques()) < 0.1)
})

test('a second loop on the same rig is refused, and the first does not notice', async () => {
  await using loop = startLoop()
  await until('the loop ticks', () => loop.torques().length > 0)
  const second = spawn(program, [loop.home.shmDir, join(loop.home.runtimeDir, 'host.sock.lock')], { stdio: 'ignore' })
  assert.deepEqual(await inTime('the second loop ended', once(second, 'exit')), [5, null])
  const ticks = loop.torques().length
  await until('100 more ticks', () => loop.torques().length > ticks + 100)
})

/** Keeps the last core, which is the loop's, for itself: above the loop's priority, and without ever sleeping. */
function holdLastCore(): { readonly pid: number; end(): Promise<void> } {
  const core = String(availableParallelism() - 1)
  const spin = ['sh', '-c', 'while :; do :; done']
  const child = spawn('chrt', ['-f', '90', 'taskset', '-c', core, 'timeout', '10', ...spin], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  return {
    pid: child.pid as number,
    end: async () => {
      child.kill('SIGKILL')
      execFileSync('pkill', ['-KILL', '-P', String(child.pid)])
      await ended
    },
  }
}

test('a loop whose core somebody else holds goes on with another', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root may take a priority above the loop')
  if (availableParallelism() < 2) return context.skip('there is no other core')
  await using loop = startLoop()
  await until('the loop ticks', () => loop.torques().length > 10)
  const hog = holdLastCore()
  try {
    await until('it has the core', () => readFileSync(`/proc/${hog.pid}/comm`, 'utf8').trim() === 'timeout')
    const before = loop.torques().length
    await until('the loop goes on', () => loop.torques().length > before + 500)
    assert.ok(isAlive(hog.pid), 'while the other still has it')
  } finally {
    await hog.end()
  }
})

const mayRead = spawnSync(program, [], ordinaryUser).status !== null
const skip = mayRead ? false : `an ordinary user cannot run the programs of this checkout (${program})`

test('a loop that may keep 8 MiB in memory keeps itself there, and ticks', { skip }, async () => {
  await using loop = startLoop('prlimit', '--memlock=8388608')
  await until('the loop ticks', () => loop.torques().length > 10)
  const window = openRigWindow(loop.home)
  const status = Buffer.alloc(rigStatus.memory_locked.offset + 8)
  window.copy(status)
  window.close()
  assert.equal(status.readUInt32LE(rigStatus.memory_locked.offset), 1)
})
