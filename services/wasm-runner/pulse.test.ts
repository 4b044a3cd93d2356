import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOfId } from './call-record.ts'
import { createPulse, openPulseReader, openPulseWriter as openWriter } from './pulse.ts'

const id = wordsOfId('972e3c8b-0863-4d03-a036-0f7ad62047d4')
const openPulseWriter = (pulse: SharedArrayBuffer) => openWriter(pulse, { begin() {}, end() {} })

test('a plugin whose code is still the same call after a second is stuck', () => {
  const pulse = createPulse()
  const executor = openPulseWriter(pulse)
  const watchdog = openPulseReader(pulse)
  executor.begin(7, id)
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => watchdog.stuckFor(1000, 250)),
    [undefined, undefined, undefined, undefined, 7],
  )
  executor.end()
  assert.equal(watchdog.stuckFor(1000, 250), undefined)
})

test('time in which the thread had no core does not count', () => {
  const pulse = createPulse()
  const watchdog = openPulseReader(pulse)
  openPulseWriter(pulse).begin(7, id)
  const looks = [250, 250, 0, 10, 250, 250, 239, 1].map((ownMs) => watchdog.stuckFor(1000, ownMs))
  assert.deepEqual(looks.indexOf(7), 7)
})

test('a plugin that is called again and again is not stuck, and neither is an executor without work', () => {
  const pulse = createPulse()
  const executor = openPulseWriter(pulse)
  const watchdog = openPulseReader(pulse)
  for (let look = 0; look < 20; look++) {
    executor.begin(7, id)
    assert.equal(watchdog.stuckFor(1000, 250), undefined)
    executor.end()
  }
  for (let look = 0; look < 20; look++) assert.equal(watchdog.stuckFor(1000, 250), undefined)
})

test('a bell that rang before the executor went to sleep wakes it at once', () => {
  const pulse = createPulse()
  const executor = openPulseWriter(pulse)
  const heard = executor.heard()
  openPulseReader(pulse).ring()
  const beganMs = performance.now()
  executor.sleep(heard, 10_000)
  assert.ok(performance.now() - beganMs < 5_000)
})
