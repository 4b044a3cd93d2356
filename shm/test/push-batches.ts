import { setImmediate } from 'node:timers/promises'
import { openRingWriter } from '../ring.ts'
import { slotBytes, slotCount, writeNumbered } from './numbered.ts'

// push-batches RING COUNT: pushes the numbers from 0 to COUNT - 1 in batches of 1 to 100 slots.
const [path = '', count = ''] = process.argv.slice(2)
const ring = openRingWriter(path, slotBytes, slotCount)
const total = Number(count)

for (let number = 0, turn = 0; number < total; turn++) {
  const size = Math.min(1 + ((turn * 37) % 100), total - number)
  const batch = Buffer.alloc(size * slotBytes)
  for (let at = 0; at < size; at++) {
    writeNumbered(batch.subarray(at * slotBytes, (at + 1) * slotBytes), 0, number + at)
  }
  const moved = ring.push(batch)
  number += moved
  if (moved < size) await setImmediate()
}
ring.close()
