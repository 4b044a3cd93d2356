import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../test/until.ts'
import type { SpareWorker } from './executor-worker.ts'
import { keepSpare } from './spare.ts'

/** Threads that are started when the test says so. */
function rig() {
  const starts: PromiseWithResolvers<SpareWorker>[] = []
  const ended: number[] = []
  const spare = keepSpare((unneeded) => {
    const starting = Promise.withResolvers<SpareWorker>()
    unneeded.addEventListener('abort', () => starting.reject(new Error('not needed')))
    starts.push(starting)
    return starting.promise
  }, 1)
  const finish = (index: number): SpareWorker => {
    const worker: SpareWorker = {
      guarded: true,
      assign: () => Promise.reject(new Error('not in this test')),
      close: async () => void ended.push(index),
    }
    starts[index]!.resolve(worker)
    return worker
  }
  return { spare, starts, ended, finish }
}

test('who takes the one that is kept has it at once, and the next one is started', async () => {
  const { spare, starts, finish } = rig()
  const first = spare.take()
  const worker = finish(0)
  assert.equal(await first, worker)
  await until('the next one is started', () => starts.length === 2)
  const second = finish(1)
  assert.equal(await spare.take(), second)
  await until('the next one is started', () => starts.length === 3)
})

test('two who take at once have two, and one more is kept', async () => {
  const { spare, starts, finish } = rig()
  const both = Promise.all([spare.take(), spare.take()])
  const workers = [finish(0), finish(1)]
  assert.deepEqual(await both, workers)
  await until('the next one is started', () => starts.length === 3)
})

test('one that could not be kept is tried again when it is needed, and who needs it is told', async () => {
  const { spare, starts, finish } = rig()
  const first = spare.take()
  finish(0)
  await first
  await until('the next one is started', () => starts.length === 2)
  starts[1]!.reject(new Error('no memory'))
  await assert.rejects(starts[1]!.promise)
  const taking = spare.take()
  assert.equal(starts.length, 3)
  starts[2]!.reject(new Error('no memory'))
  await assert.rejects(taking, /no memory/)
})

test('closing ends the one that is kept, or that is being started, and repeats safely', async () => {
  const { spare, starts, ended, finish } = rig()
  const first = spare.take()
  finish(0)
  await first
  await until('the next one is started', () => starts.length === 2)
  finish(1)
  await Promise.all([spare.close(), spare.close()])
  assert.ok(ended.every((index) => index === 1) && ended.length > 0)
  const another = rig()
  const taken = another.spare.take()
  another.finish(0)
  await taken
  await until('the next one is started', () => another.starts.length === 2)
  await another.spare.close()
  await assert.rejects(another.starts[1]!.promise, /not needed/)
  assert.equal(starts.length, 2)
})
