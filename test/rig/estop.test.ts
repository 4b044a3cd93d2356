import assert from 'node:assert/strict'
import { appendFileSync, existsSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { frameSlotBytes, frameSlot as layout, rigStatus } from '../../gen/layout.ts'
import type { Home } from '../../rpc/home.ts'
import { openRigWindow } from '../../shm/rig-window.ts'
import { openEstopSlot, openOutputRing } from '../../shm/slots.ts'
import { isAlive } from '../alive.ts'
import { produceForce } from '../force-producer.ts'
import { until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { startNextHost, startRig } from './rig.ts'

/** A rig that an independent producer feeds with 2 N·m, which come out as they are. */
async function startFedRig() {
  const rig = await startRig((home) =>
    appendFileSync(home.configFile, '\ntelemetry: { input: external }\nffb: { gain: 1 }\n'),
  )
  const { home } = rig.rig
  await until('the loop has its files', () => existsSync(join(home.shmDir, 'rig')))
  const producer = produceForce(home, () => 2)
  const loop = openLoop(home)
  await until('torque flows', () => loop.outNm() > 1.9)
  return {
    rig: rig.rig,
    home,
    loop,
    wheelctl: async (...args: readonly string[]) => (await runWheelctl(home, args)).stdout,
    [Symbol.asyncDispose]: async () => {
      producer.close()
      loop.close()
      await rig[Symbol.asyncDispose]()
    },
  }
}

interface Tick {
  readonly number: number
  readonly torqueNm: number
}

/** What the loop counts and says. */
function openLoop(home: Home) {
  const window = openRigWindow(home)
  const output = openOutputRing(home)
  const head = Buffer.alloc(rigStatus.lateness.offset)
  const slots = Buffer.alloc(1024 * frameSlotBytes)
  const tickAt = (at: number): Tick => ({
    number: Number(slots.readBigUInt64LE(at + layout.reserved.offset)),
    torqueNm: slots.readFloatLE(at + layout.torque_out.offset),
  })
  function read(): Buffer {
    window.copy(head)
    return head
  }
  return {
    ticks: () => Number(read().readBigUInt64LE(rigStatus.ticks.offset)),
    outNm: () => read().readFloatLE(rigStatus.out_nm.offset),
    /** Every tick since the previous call, if that was less than a second ago. */
    take: (): readonly Tick[] =>
      Array.from({ length: output.pop(slots) }, (_, index) => tickAt(index * frameSlotBytes)),
    close: () => {
      window.close()
      output.close()
    },
  }
}

test('the torque is zero two ticks after the stop was published, and as long as it stands', async () => {
  await using rig = await startFedRig()
  const { loop } = rig
  const cell = openEstopSlot(rig.home)
  loop.take() // the first second of the loop, before there was any force
  await until('a tick carries torque', () => loop.take().some(({ torqueNm }) => torqueNm > 1.9))
  cell.publish(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))
  const published = loop.ticks() // the tick after this one may have begun before
  await until('input goes on for a while', () => loop.ticks() > published + 300)
  const ticks = loop.take()
  const after = ticks.filter(({ number }) => number >= published + 2)
  assert.ok(after.length > 200)
  assert.deepEqual(
    after.filter(({ torqueNm }) => torqueNm !== 0),
    [],
  )
  assert.match(await rig.wheelctl('rig', 'status'), /^estop +ENGAGED since .*; the rig was found stopped/m)
  cell.close()
})

test('an emergency stop keeps its first reason, outlives the host, and clears to a ramp', async () => {
  await using rig = await startFedRig()
  const { home, loop, wheelctl } = rig
  const stopped = await wheelctl('rig', 'estop', '--reason', 'a hand in the wheel')
  assert.match(stopped, /^estop ENGAGED since .*; torque is held at zero; a hand in the wheel\n$/)
  assert.match(await wheelctl('rig', 'estop', '--reason', 'another'), /a hand in the wheel\n$/)

  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  await using next = await startNextHost(home)
  assert.match(await wheelctl('rig', 'status'), /^estop +ENGAGED .*; torque is held at zero; a hand in the wheel$/m)
  assert.equal(loop.outNm(), 0)

  loop.take()
  assert.equal(await wheelctl('rig', 'clear'), 'estop not engaged\n')
  await until('torque flows again', () => loop.outNm() > 1.9)
  const ramp = loop.take().map(({ torqueNm }) => torqueNm)
  const steps = ramp.map((torque, index) => Math.abs(torque - (ramp[index - 1] ?? 0)))
  assert.ok(Math.max(...steps) < 0.2, `a ramp, not a step of ${Math.max(...steps)} N·m`)
  next.kill('SIGTERM')
  assert.deepEqual(await next.exited, [0, null])
})

test('without a host the command stops the loop by itself, and the next host, of a new rig too, keeps to it', async () => {
  await using rig = await startFedRig()
  const { home, loop } = rig
  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  const { stdout, stderr } = await runWheelctl(home, ['rig', 'estop', '--reason', 'the screen is dead'])
  assert.match(stdout, /^estop ENGAGED since .*; torque is held at zero; the screen is dead\n$/)
  assert.match(stderr, /^wheelctl: no host answers; the stop was written into the shared memory of the rig in .*\n$/)
  assert.equal(loop.outNm(), 0)
  await assert.rejects(runWheelctl(home, ['rig', 'clear']), { code: 5 })

  for (const round of ['one that adopts the loop', 'one that starts a loop of its own']) {
    await using next = await startNextHost(home)
    await until(`${round} holds torque at zero`, async () =>
      /^estop +ENGAGED .*; torque is held at zero; the screen is dead$/m.test(await rig.wheelctl('rig', 'status')),
    )
    next.kill('SIGTERM')
    assert.deepEqual(await next.exited, [0, null])
  }
  // No rig is there any more: nothing drives, and nothing is written.
  await assert.rejects(runWheelctl(home, ['rig', 'estop']), { code: 5 })
})

const pidOf = (home: Home): number => {
  const window = openRigWindow(home)
  const pid = window.pid()
  window.close()
  return pid
}

test('a cell of the emergency stop that is removed or cut holds torque at zero until somebody says that it may flow', async () => {
  await using rig = await startFedRig()
  const { home, loop } = rig
  const path = join(home.shmDir, 'estop')

  // Nothing is engaged: the loop waits for the host's word, which comes.
  for (const destroy of [() => truncateSync(path, 0), () => rmSync(path)]) {
    destroy()
    await until('the loop holds torque at zero, or has ended', () => loop.outNm() === 0)
    await until('torque flows again', () => loop.outNm() > 1.9)
  }

  // One that is engaged outlives its cell and the loop.
  await rig.wheelctl('rig', 'estop', '--reason', 'the shelf was cleaned')
  const before = pidOf(home)
  rmSync(path)
  process.kill(before, 'SIGKILL')
  await until('another loop runs', () => pidOf(home) !== before)
  loop.take() // what was before the stop
  const began = loop.ticks()
  await until('it has run for a while', () => loop.ticks() > began + 500)
  const ticks = loop.take()
  assert.ok(ticks.length > 200 && ticks.every(({ torqueNm }) => torqueNm === 0), `${ticks.length} ticks`)
  assert.match(
    await rig.wheelctl('rig', 'status'),
    /^estop +ENGAGED .*; torque is held at zero; the shelf was cleaned$/m,
  )
})

test('the command stops a loop whose cell was cut or removed, with a host and without one', async () => {
  await using rig = await startFedRig()
  const { home, loop } = rig
  const path = join(home.shmDir, 'estop')
  truncateSync(path, 0)
  assert.match(await rig.wheelctl('rig', 'estop'), /^estop ENGAGED since .*; (torque is held at zero|no loop runs)/)
  await rig.wheelctl('rig', 'clear')
  await until('torque flows again', () => loop.outNm() > 1.9)

  // Without a host the loop notices by itself that nobody can stop it any more, ends, and takes its files along.
  const pid = pidOf(home)
  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  rmSync(path)
  const outcome = await runWheelctl(home, ['rig', 'estop']).catch((cause: { readonly code: number }) => cause)
  if ('code' in outcome) assert.equal(outcome.code, 5, 'there is no rig any more')
  else assert.match(outcome.stdout, /^estop ENGAGED since .*; (torque is held at zero|no loop runs)/)
  await until('the loop has ended', () => !isAlive(pid))
  assert.equal(loop.outNm(), 0, 'and faded torque out before')
})
