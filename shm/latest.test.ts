import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLatest } from './latest.ts'
import { shmDirectory } from './test/shm-directory.ts'

test('there is nothing before the first value, then always the newest', () => {
  using directory = shmDirectory()
  const writer = openLatest(directory.file('value'), 16)
  const reader = openLatest(directory.file('value'), 16)
  const value = Buffer.alloc(16)
  assert.equal(reader.read(value), 0n)
  for (let number = 1; number < 20; number++) {
    writer.publish(Buffer.alloc(16, number))
    assert.equal(reader.read(value), BigInt(number))
    assert.deepEqual(value, Buffer.alloc(16, number))
  }
  writer.close()
  const successor = openLatest(directory.file('value'), 16)
  successor.publish(Buffer.alloc(16, 99))
  assert.equal(reader.read(value), 20n)
  assert.deepEqual(value, Buffer.alloc(16, 99))
  for (const cell of [successor, reader, reader]) cell.close()
})
