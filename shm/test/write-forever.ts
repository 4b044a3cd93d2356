import { openLatest } from '../latest.ts'
import { openRingWriter } from '../ring.ts'
import { slotBytes, slotCount, valueBytes, writeNumbered } from './numbered.ts'

// write-forever RING LATEST LIFE: pushes and publishes numbers from 1 on, until it is killed.
const [ringPath = '', latestPath = '', life = ''] = process.argv.slice(2)
const ring = openRingWriter(ringPath, slotBytes, slotCount)
const latest = openLatest(latestPath, valueBytes)
const batch = Buffer.alloc(slotBytes * 5)
const value = Buffer.alloc(valueBytes)

for (let number = 1; ; ) {
  for (let at = 0; at < 5; at++) {
    writeNumbered(batch.subarray(at * slotBytes, (at + 1) * slotBytes), Number(life), number + at)
  }
  number += ring.push(batch)
  writeNumbered(value, Number(life), number)
  latest.publish(value)
}
