import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Latest, openLatest } from './latest.ts'
import { openRingReader, type RingReader } from './ring.ts'
import { readNumbered, slotBytes, slotCount, valueBytes } from './test/numbered.ts'
import { startProgram } from './test/program.ts'
import { shmDirectory } from './test/shm-directory.ts'

const kills = 30

/** Takes what is there; the slots of one life are the numbers from 1 on without a gap. Returns the newest. */
function drain(ring: RingReader, life: number, before: number): number {
  const room = Buffer.alloc(slotBytes * slotCount)
  const moved = ring.pop(room)
  for (let at = 0; at < moved; at++) {
    const slot = readNumbered(room.subarray(at * slotBytes, (at + 1) * slotBytes))
    assert.deepEqual(slot, { life, number: before + at + 1 })
  }
  return before + moved
}

/** Reads the newest value, which must be whole. Returns its number in the cell; 0 while there is none. */
function look(latest: Latest, life: number): bigint {
  const value = Buffer.alloc(valueBytes)
  const number = latest.read(value)
  if (number > 0n) assert.ok((readNumbered(value)?.life ?? Number.POSITIVE_INFINITY) <= life, 'torn value')
  return number
}

test('a writer killed at any moment leaves its ring and its value whole for the next one', {
  timeout: 120_000,
}, async () => {
  using directory = shmDirectory()
  const paths = [directory.file('ring'), directory.file('latest')] as const
  const ring = openRingReader(paths[0], slotBytes, slotCount)
  const latest = openLatest(paths[1], valueBytes)
  let published = 0n
  for (let life = 1; life <= kills; life++) {
    await using writer = startProgram('write-forever', [...paths, `${life}`])
    const enough = 1 + Math.floor(Math.random() * 3000)
    let newest = 0
    while (newest < enough) {
      newest = drain(ring, life, newest)
      look(latest, life)
      await setImmediate()
    }
    writer.child.kill('SIGKILL')
    await once(writer.child, 'exit')
    drain(ring, life, newest)
    const last = look(latest, life)
    assert.ok(last > published, `value ${last} after ${published}`)
    published = last
  }
  ring.close()
  latest.close()
})
