import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import { startStoreCare } from './store-care.ts'

const hourMs = 3_600_000

test('copies are collected every hour, when all was judged and while trust serves', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const asked: (readonly string[])[] = []
  const lines: string[] = []
  const judging = Promise.withResolvers<void>()
  let serves = true
  let failure: Error | undefined
  const { close } = startStoreCare({
    judgedGood: () => ['ab'.repeat(32)],
    settled: () => judging.promise,
    services: {
      async collectCopies(keep) {
        asked.push(keep)
        if (failure !== undefined) throw failure
        return 3
      },
    },
    isServing: () => serves,
    log: pino({ level: 'info' }, { write: (line) => lines.push(line) }),
  })
  const hour = async (): Promise<void> => {
    t.mock.timers.tick(hourMs)
    await setImmediate()
  }
  await hour()
  assert.equal(asked.length, 0, 'not all was judged')
  judging.resolve()
  await setImmediate()
  assert.deepEqual(asked, [['ab'.repeat(32)]])
  assert.match(lines.join(''), /"removed":3/)
  serves = false
  await hour()
  serves = true
  assert.equal(asked.length, 1)
  failure = new RigError('SERVICE_UNAVAILABLE', 'it went')
  await hour()
  failure = new Error('boom')
  await hour()
  assert.deepEqual([asked.length, lines.filter((line) => line.includes('boom')).length], [3, 1])
  assert.ok(!lines.join('').includes('it went'), 'the supervisor tells of it')
  close()
  await hour()
  assert.equal(asked.length, 3)
})
