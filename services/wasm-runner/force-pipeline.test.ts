import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clampScalar, createForcePipeline } from './force-pipeline.ts'

test('each plugin sees the newest output of the one before it, the first sees the telemetry', () => {
  const pipeline = createForcePipeline()
  pipeline.arrange([7, 3, 5])
  assert.equal(pipeline.inputOf(7, 0.5), 0.5)
  pipeline.put(7, 0.6)
  assert.equal(pipeline.inputOf(3, 0.5), 0.6)
  assert.equal(pipeline.inputOf(5, 0.5), 0.6, 'a plugin that has not answered yet is passed over')
  pipeline.put(3, 0.7)
  assert.equal(pipeline.inputOf(5, 0.5), 0.7)
  assert.equal(pipeline.result(0.5), 0.7)
})

test('a plugin that joins or leaves does not make the others forget', () => {
  const pipeline = createForcePipeline()
  pipeline.arrange([1, 2])
  pipeline.put(1, 0.1)
  pipeline.put(2, 0.2)
  pipeline.arrange([1, 9, 2])
  assert.equal(pipeline.inputOf(9, 0.5), 0.1)
  assert.equal(pipeline.result(0.5), 0.2)
  pipeline.arrange([1])
  assert.equal(pipeline.result(0.5), 0.1)
  pipeline.put(2, 0.9)
  assert.equal(pipeline.result(0.5), 0.1, 'who has left is not heard')
})

test('a plugin that withdraws its answer is passed over until it has another', () => {
  const pipeline = createForcePipeline()
  pipeline.arrange([1, 2])
  pipeline.put(1, 0.1)
  pipeline.put(2, 0.2)
  pipeline.withdraw(2)
  assert.equal(pipeline.result(0.5), 0.1)
  pipeline.withdraw(1)
  assert.equal(pipeline.result(0.5), 0.5)
  pipeline.put(2, 0.3)
  assert.equal(pipeline.result(0.5), 0.3)
  pipeline.withdraw(9)
  assert.equal(pipeline.result(0.5), 0.3, 'who takes no part has nothing to withdraw')
})

test('without plugins the telemetry goes through', () => {
  assert.equal(createForcePipeline().result(-0.25), -0.25)
})

test('no plugin can put anything but -1..1 in the way of the wheel', () => {
  assert.deepEqual([Number.NaN, Infinity, -Infinity, 1.5, -7, 0.25].map(clampScalar), [0, 0, 0, 1, -1, 0.25])
})
