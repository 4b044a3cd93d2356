import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { RigError } from '../rpc/failure.ts'
import { openRingReader, openRingWriter, type RingReader } from './ring.ts'
import { readNumbered, slotBytes, slotCount, writeNumbered } from './test/numbered.ts'
import { startProgram } from './test/program.ts'
import { shmDirectory } from './test/shm-directory.ts'

/** Where RingShared has the count of slots written (native/ring.h). */
const writtenAt = 64

async function popNumbers(ring: RingReader, total: number): Promise<void> {
  const room = Buffer.alloc(slotBytes * 41)
  for (let expected = 0; expected < total; ) {
    const moved = ring.pop(room)
    for (let at = 0; at < moved; at++) {
      const slot = readNumbered(room.subarray(at * slotBytes, (at + 1) * slotBytes))
      assert.deepEqual(slot, { life: 0, number: expected++ })
    }
    if (moved === 0) await setImmediate()
  }
}

test('two processes pass 200 000 slots in batches, whole and in order', { timeout: 60_000 }, async () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const ring = openRingReader(path, slotBytes, slotCount)
  await using writer = startProgram('push-batches', [path, '200000'])
  const exited = once(writer.child, 'exit')
  await popNumbers(ring, 200_000)
  assert.deepEqual(await exited, [0, null])
  assert.equal(ring.pop(Buffer.alloc(slotBytes)), 0)
  ring.close()
})

test('a push moves what fits and says how many slots that were', () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const writer = openRingWriter(path, 8, 4)
  const reader = openRingReader(path, 8, 4)
  const slots = Buffer.from([...Array(6).keys()].flatMap((number) => [number, 0, 0, 0, 0, 0, 0, 0]))
  assert.equal(writer.push(slots), 4)
  assert.equal(writer.push(slots), 0)
  const room = Buffer.alloc(3 * 8)
  assert.equal(reader.pop(room), 3)
  assert.deepEqual(room, slots.subarray(0, 24))
  assert.equal(reader.pop(room), 1)
  assert.equal(reader.pop(room), 0)
  writer.close()
  writer.close()
  reader.close()
})

test('a reader that replaces another goes on where it stopped', () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const writer = openRingWriter(path, slotBytes, slotCount)
  const slot = Buffer.alloc(slotBytes)
  for (let number = 0; number < 50; number++) {
    writeNumbered(slot, 1, number)
    assert.equal(writer.push(slot), 1)
    const reader = openRingReader(path, slotBytes, slotCount)
    assert.equal(reader.pop(slot), 1)
    assert.deepEqual(readNumbered(slot), { life: 1, number })
    reader.close()
  }
  writer.close()
})

test('a peer with an impossible counter is named, and heard again when it tells the truth', () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const writer = openRingWriter(path, slotBytes, slotCount)
  const reader = openRingReader(path, slotBytes, slotCount)
  const slot = Buffer.alloc(slotBytes)
  const scribble = (counter: bigint): void => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(counter)
    const file = openSync(path, 'r+')
    writeSync(file, bytes, 0, 8, writtenAt)
    closeSync(file)
  }
  writer.push(slot)
  scribble(1n << 60n)
  assert.throws(() => reader.pop(slot), { code: 'RING_CORRUPT' })
  assert.throws(() => reader.pop(slot), { code: 'RING_CORRUPT' })
  scribble(1n)
  assert.equal(reader.pop(slot), 1)
})

const isInUse = (cause: unknown): boolean => cause instanceof RigError && cause.code === 'RING_IN_USE'

test('a ring has one writer: a second is refused until the first has closed', () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const first = openRingWriter(path, slotBytes, slotCount)
  assert.throws(() => openRingWriter(path, slotBytes, slotCount), isInUse)
  assert.equal(first.push(Buffer.alloc(slotBytes)), 1)
  first.close()
  const second = openRingWriter(path, slotBytes, slotCount)
  const reader = openRingReader(path, slotBytes, slotCount)
  assert.equal(second.push(Buffer.alloc(slotBytes)), 1)
  assert.equal(reader.pop(Buffer.alloc(slotBytes * 4)), 2)
  second.close()
  reader.close()
})

test('a writer in another process is the one until it is killed', { timeout: 60_000 }, async () => {
  using directory = shmDirectory()
  const path = directory.file('ring')
  const reader = openRingReader(path, slotBytes, slotCount)
  await using other = startProgram('push-batches', [path, '1000000000'])
  const room = Buffer.alloc(slotBytes)
  while (reader.pop(room) === 0) await setImmediate()
  assert.throws(() => openRingWriter(path, slotBytes, slotCount), isInUse)
  other.child.kill('SIGKILL')
  await once(other.child, 'exit')
  openRingWriter(path, slotBytes, slotCount).close()
  reader.close()
})
