import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startErrand } from './errand.ts'

test('what is asked for while it is done is done once more, and never twice at a time', async () => {
  let started = 0
  let atOnce = 0
  let most = 0
  const gate = Promise.withResolvers<void>()
  const errand = startErrand(async () => {
    started += 1
    most = Math.max(most, ++atOnce)
    await gate.promise
    atOnce -= 1
    return 'done'
  }, 1)
  errand.ask()
  errand.ask()
  errand.ask()
  gate.resolve()
  await errand.idle()
  assert.deepEqual([started, most], [2, 1])
})

test('what could not be finished is done again after a while, until it can', async () => {
  let times = 0
  const finished = Promise.withResolvers<void>()
  const errand = startErrand(async () => {
    times += 1
    if (times < 3) return 'unfinished'
    finished.resolve()
    return 'done'
  }, 1)
  errand.ask()
  await errand.idle()
  assert.equal(times, 1)
  await finished.promise
  assert.equal(times, 3)
})

test('what is closed is done no more', async () => {
  let times = 0
  const errand = startErrand(async () => {
    times += 1
    return 'unfinished'
  }, 0)
  errand.ask()
  await errand.idle()
  errand.close()
  errand.close()
  errand.ask()
  await errand.idle()
  assert.equal(times, 1)
})
