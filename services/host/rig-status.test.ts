import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { histogram, rigStatus as layout, rigMagic, rigStates, rigStatusBytes, rigVersion } from '../../gen/layout.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { watchRigStatus } from './rig-status.ts'

function rig() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-status-'))
  const home = findHome({ OPENRACING_HOME: root })
  createHome(home)
  let nowNs = 10_000_000_000n
  const status = watchRigStatus(home, () => nowNs)
  return {
    status,
    pass: (ns: bigint) => {
      nowNs += ns
    },
    write: (bytes: Buffer) => {
      rmSync(join(home.shmDir, 'rig'), { force: true })
      writeFileSync(join(home.shmDir, 'rig'), bytes)
    },
    [Symbol.dispose]: () => {
      status.close()
      rmSync(home.shmDir, { recursive: true })
      rmSync(root, { recursive: true })
    },
  }
}

function statusBytes(beatNs: bigint, state: (typeof rigStates)[number] = 'running'): Buffer {
  const bytes = Buffer.alloc(rigStatusBytes)
  bytes.writeUInt32LE(rigMagic, layout.magic.offset)
  bytes.writeUInt32LE(rigVersion, layout.version.offset)
  bytes.writeUInt32LE(4711, layout.pid.offset)
  bytes.writeUInt32LE(rigStates.indexOf(state), layout.state.offset)
  bytes.writeBigUInt64LE(beatNs, layout.beat_ns.offset)
  bytes.writeBigUInt64LE(1234n, layout.ticks.offset)
  bytes.writeFloatLE(-2.5, layout.out_nm.offset)
  bytes.writeDoubleLE(1e6, layout.in_square_sum.offset)
  bytes.writeFloatLE(0.5, layout.wheel_angle.offset)
  bytes.writeBigUInt64LE(7n, layout.duration.offset + histogram.counts.offset + 3 * 8)
  return bytes
}

test('without a loop the rig reads as not running', () => {
  using it = rig()
  const { loop, torque } = it.status.read()
  assert.equal(loop.running, false)
  assert.equal(torque.outNm, 0)
})

test('what the loop counts is read from where it counts it', () => {
  using it = rig()
  it.write(statusBytes(9_999_999_999n))
  const { loop, torque, wheel } = it.status.read()
  assert.deepEqual([loop.running, loop.pid, loop.ticks], [true, 4711, 1234n])
  assert.deepEqual(loop.duration?.buckets, [{ upperBoundNs: 3n, count: 7n }])
  assert.deepEqual(loop.lateness?.buckets, [])
  assert.deepEqual([torque.outNm, torque.inSquareSum, wheel.angle], [-2.5, 1e6, 0.5])
})

test('a loop that has not ticked for 100 ms does not run, and its last values stay', () => {
  using it = rig()
  it.write(statusBytes(10_000_000_000n))
  it.pass(99_999_999n)
  assert.equal(it.status.read().loop.running, true)
  it.pass(1n)
  const { loop } = it.status.read()
  assert.deepEqual([loop.running, loop.ticks], [false, 1234n])
})

test('a loop that has ended does not run, however fresh its last tick', () => {
  using it = rig()
  it.write(statusBytes(10_000_000_000n, 'ended'))
  assert.equal(it.status.read().loop.running, false)
})

test('the loop that comes after one that was taken down is found', () => {
  using it = rig()
  it.write(statusBytes(10_000_000_000n))
  it.status.read()
  it.pass(1_000_000_000n)
  assert.equal(it.status.read().loop.running, false)
  it.write(statusBytes(11_000_000_000n))
  assert.equal(it.status.read().loop.running, true)
})

test('a status of another version, or of another length, is nobody’s', () => {
  using it = rig()
  const foreign = statusBytes(10_000_000_000n)
  foreign.writeUInt32LE(rigVersion + 1, layout.version.offset)
  it.write(foreign)
  assert.equal(it.status.read().loop.pid, 0)
  it.write(Buffer.alloc(100))
  assert.equal(it.status.read().loop.pid, 0)
})
