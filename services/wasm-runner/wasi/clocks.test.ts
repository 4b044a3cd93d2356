import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantedTree } from '../testing/granted-tree.ts'
import { grant, type RawWasi, rawWasi } from '../testing/raw-wasi.ts'
import { randomBytesMax } from './process-calls.ts'

const [realtime, monotonic] = [0, 1]

test('the clocks go in steps of 100 µs, and say so', () => {
  let nowNs = 1_700_000_000_123_456_789n
  using raw = rawWasi({ nowNs: () => nowNs })
  for (const id of [realtime, monotonic]) {
    assert.equal(raw.call('clock_res_get', id, raw.result), 'SUCCESS')
    assert.equal(raw.u64(), 100_000n)
    assert.equal(raw.call('clock_time_get', id, 0n, raw.result), 'SUCCESS')
    assert.equal(raw.u64(), 1_700_000_000_123_400_000n)
  }
  nowNs += 43_211n
  raw.call('clock_time_get', monotonic, 0n, raw.result)
  assert.equal(raw.u64(), 1_700_000_000_123_500_000n)
})

test('there are no clocks of CPU time, and no others', () => {
  using raw = rawWasi()
  for (const id of [2, 3]) {
    assert.equal(raw.call('clock_time_get', id, 0n, raw.result), 'NOTSUP')
    assert.equal(raw.call('clock_res_get', id, raw.result), 'NOTSUP')
  }
  for (const id of [4, -1]) assert.equal(raw.call('clock_time_get', id, 0n, raw.result), 'INVAL')
})

interface Subscription {
  readonly type: number
  readonly fd?: number
  readonly timeout?: bigint
  readonly absolute?: boolean
}

/** Waits for these; returns what came to pass, by the place in the list. */
function poll(raw: RawWasi, subscriptions: readonly Subscription[]) {
  const [listAt, eventsAt] = [1024, 8192]
  for (const [index, { type, fd = 0, timeout = 0n, absolute = false }] of subscriptions.entries()) {
    const at = listAt + index * 48
    raw.memory.fill(0, at, at + 48)
    raw.memory.writeBigUInt64LE(BigInt(index), at)
    raw.memory.writeUInt8(type, at + 8)
    raw.memory.writeUInt32LE(type === 0 ? monotonic : fd, at + 16)
    if (type !== 0) continue
    raw.memory.writeBigUInt64LE(timeout, at + 24)
    raw.memory.writeUInt16LE(absolute ? 1 : 0, at + 40)
  }
  assert.equal(raw.call('poll_oneoff', listAt, eventsAt, subscriptions.length, raw.result), 'SUCCESS')
  return Array.from({ length: raw.u32() }, (_, index) => {
    const at = eventsAt + index * 32
    const [which, errno] = [Number(raw.memory.readBigUInt64LE(at)), raw.memory.readUInt16LE(at + 8)]
    assert.equal(raw.memory.readUInt8(at + 10), subscriptions[which]?.type)
    return { which, errno, bytes: raw.memory.readBigUInt64LE(at + 16), flags: raw.memory.readUInt16LE(at + 24) }
  })
}

const nothing = { errno: 0, bytes: 0n, flags: 0 }

test('a sleep is over at once, however long', () => {
  using raw = rawWasi({ nowNs: () => 5_000_000n })
  assert.deepEqual(poll(raw, [{ type: 0, timeout: 2n ** 64n - 1n }]), [{ which: 0, ...nothing }])
  assert.deepEqual(poll(raw, [{ type: 0, timeout: 60_000_000_000n }]), [{ which: 0, ...nothing }])
})

test('of several times the next one comes, with those that are over', () => {
  using raw = rawWasi({ nowNs: () => 5_000_000n })
  const times = (...timeouts: readonly bigint[]) =>
    poll(
      raw,
      timeouts.map((timeout) => ({ type: 0, timeout, absolute: true })),
    ).map(({ which }) => which)
  assert.deepEqual(times(9_000_000n, 7_000_000n, 8_000_000n), [1])
  assert.deepEqual(times(9_000_000n, 4_000_000n, 5_000_000n), [1, 2])
})

test('files and the log are ready at once, stdin is at its end, and no time is waited for beside them', () => {
  using tree = grantedTree()
  using raw = rawWasi({ grants: grant(tree.path, 'read') })
  const fd = Number(raw.open('hello.txt', { rights: (1n << 1n) | (1n << 27n) | (1n << 2n) }))
  raw.read(fd, 6)
  const events = poll(raw, [
    { type: 0, timeout: 1_000_000n },
    { type: 2, fd: 1 },
    { type: 1, fd: 0 },
    { type: 1, fd },
  ])
  assert.deepEqual(events, [
    { which: 1, ...nothing },
    { which: 2, ...nothing, flags: 1 },
    { which: 3, ...nothing, bytes: 12n },
  ])
})

test('what cannot be waited for is an event with an error, and the others come', () => {
  using raw = rawWasi()
  const events = poll(raw, [{ type: 1, fd: 9 }, { type: 1, fd: 1 }, { type: 2, fd: 2 }, { type: 7 }])
  assert.deepEqual(
    events.map(({ errno }) => errno),
    [8, 76, 0, 28],
  )
})

test('random bytes are random, and bounded', () => {
  using raw = rawWasi()
  const bytes = (): string => {
    assert.equal(raw.call('random_get', 1024, 32), 'SUCCESS')
    return raw.memory.toString('hex', 1024, 1056)
  }
  assert.notEqual(bytes(), bytes())
  assert.equal(
    raw.memory.subarray(1056, 2048).every((byte) => byte === 0),
    true,
  )
  assert.equal(raw.call('random_get', 0, randomBytesMax), 'SUCCESS')
  assert.equal(raw.call('random_get', 0, 0), 'SUCCESS')
})
