import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Plugin, PluginState } from '../gen/proto/openracing/v1/plugin.ts'
import { Rig } from '../gen/proto/openracing/v1/rig.ts'
import { complaintOf, isSettled } from './complaint.ts'
import type { Reading } from './reading.ts'

const { PLUGIN_STATE_FAILED: failed, PLUGIN_STATE_RUNNING: running, PLUGIN_STATE_WAITING: waiting } = PluginState

const reading = (ticks: bigint, ...plugins: readonly Parameters<typeof Plugin.fromPartial>[0][]): Reading => ({
  atMs: 0,
  rig: Rig.fromPartial({ loop: { ticks }, torque: { outSquareSum: Number(ticks) } }),
  plugins: plugins.map((plugin) => Plugin.fromPartial({ name: 'lowpass', ...plugin })),
  services: [],
})
const ran = { state: running, statistics: { executions: 1n } }

test('a rig whose plugins ran and whose loop ticks is measured, also when a plugin has a warning', () => {
  const rig = reading(5n, ran, { ...ran, detail: 'it is not signed' })
  assert.deepEqual([isSettled(rig), complaintOf(rig, '')], [true, undefined])
})

test('a loop that never ticked is told with the last that it said', () => {
  const rig = reading(0n, ran)
  assert.equal(isSettled(rig), false)
  const nothing = 'the loop did no tick, so there is nothing to measure; '
  assert.equal(complaintOf(rig, 'wheel-rt: no memory'), `${nothing}wheel-rt: no memory`)
  assert.equal(complaintOf(rig, ''), `${nothing}it did not say why`)
})

test('a loop that stopped ticking is told, although it ticked before', () => {
  assert.match(complaintOf(reading(7n, ran), '', reading(7n, ran)) ?? '', /^the loop did no tick/)
  assert.equal(complaintOf(reading(8n, ran), '', reading(7n, ran)), undefined)
})

test('a plugin that never ran is told with what the plugin list says; one that failed is not waited for', () => {
  const late = reading(5n, ran, { state: waiting, detail: 'SERVICE_UNAVAILABLE: wasm-runner does not run' })
  assert.equal(isSettled(late), false)
  assert.equal(complaintOf(late, ''), 'lowpass never ran; it is waiting: SERVICE_UNAVAILABLE: wasm-runner does not run')
  const broken = reading(5n, ran, { state: failed, detail: 'PLUGIN_UNTRUSTED: unsigned' })
  assert.equal(isSettled(broken), true)
  assert.equal(complaintOf(broken, ''), 'lowpass never ran; it is failed: PLUGIN_UNTRUSTED: unsigned')
})
