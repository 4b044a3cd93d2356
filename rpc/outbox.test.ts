import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOutbox } from './outbox.ts'

test('messages come out in their order, those that were put in while nobody read among them', async () => {
  const outbox = createOutbox<number>(10)
  assert.equal(outbox.put(1), true)
  const read: number[] = []
  const reading = (async () => {
    for await (const message of outbox) {
      read.push(message)
      if (message === 1) outbox.put(2)
      if (message === 2) setImmediate(() => outbox.put(3))
      if (message === 3) outbox.close()
    }
  })()
  await reading
  assert.deepEqual(read, [1, 2, 3])
})

test('an outbox that is full, or closed, takes no more, and gives away what it has', async () => {
  const outbox = createOutbox<string>(2)
  assert.deepEqual(
    ['a', 'b', 'c'].map((message) => outbox.put(message)),
    [true, true, false],
  )
  outbox.close()
  outbox.close()
  assert.equal(outbox.put('d'), false)
  const read: string[] = []
  for await (const message of outbox) read.push(message)
  assert.deepEqual(read, ['a', 'b'])
})
