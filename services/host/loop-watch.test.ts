import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetDataPlaneResponse } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { inTime } from '../../test/until.ts'
import { watchLoop } from './loop-watch.ts'

/** A loop and a dsp-helper that are what the test says they are. */
function loop() {
  const is = { ticking: false, helperServes: true, pid: 0, restarts: 0 }
  const services = {
    dataPlane: async () => GetDataPlaneResponse.fromPartial({ wheelRtPid: is.pid, wheelRtRestarts: is.restarts }),
  }
  const watch = watchLoop({
    ticks: () => is.ticking,
    services,
    isServing: () => is.helperServes,
    dataPlaneLog: '/state/data-plane.log',
  })
  return { is, watch }
}

test('a loop that ends again and again is told with the times and the file that says why', async () => {
  const { is, watch } = loop()
  is.restarts = 7
  assert.equal(
    await watch.complaint(),
    'it has no process, it was started again 7 times; /state/data-plane.log says why',
  )
  is.restarts = 1
  is.pid = 123
  assert.match((await watch.complaint()) ?? '', /^its process 123 does not tick, it was started again once;/)
  is.ticking = true
  assert.equal(await watch.complaint(), undefined)
})

test('where nobody is there who starts the loop, that is the reason', async () => {
  const { is, watch } = loop()
  is.helperServes = false
  assert.equal(await watch.complaint(), 'the dsp-helper, which starts it, does not run')
})

test('who waits for the loop hears of its first tick, of its loss, and of the end', async () => {
  const { is, watch } = loop()
  is.pid = 123
  for (const happens of [() => (is.ticking = true), () => (is.restarts = 1), () => (is.helperServes = false)]) {
    Object.assign(is, { ticking: false, helperServes: true, restarts: 0 })
    let over = false
    const settled = watch.settled(new AbortController().signal).then(() => (over = true))
    await new Promise(setImmediate)
    assert.equal(over, false)
    happens()
    await inTime('the wait is over', settled)
  }
  Object.assign(is, { helperServes: true })
  await inTime('the wait was ended', watch.settled(AbortSignal.abort()))
})
