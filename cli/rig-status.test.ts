import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chain } from '../gen/proto/openracing/v1/chain.ts'
import { Rig, type TelemetryIntake } from '../gen/proto/openracing/v1/rig.ts'
import { describeRig } from './rig-status.ts'

const row = (name: string, telemetry?: Partial<TelemetryIntake>): string | undefined =>
  describeRig({ ...Rig.fromPartial({ telemetry }), chain: Chain.fromPartial({}) }).find(
    ([first]) => first === name,
  )?.[1]

test('what became of the force of games is told apart: dry, too early, not taken', () => {
  const counts = { forceUnderruns: 1n, droppedForceSamples: 2n, droppedForceFrames: 3n }
  assert.equal(row('force', counts), '1 underruns, 2 samples too early and dropped, 3 frames not taken by the loop')
})

test('a rig of an older version has no such counts, and its status is shown', () => {
  assert.equal(row('telemetry'), '0 frames, 0 packets dropped')
  assert.equal(row('force'), '0 underruns, 0 samples too early and dropped, 0 frames not taken by the loop')
})

test('what the rig lacks is told service by service, and nothing is said of a rig that lacks nothing', () => {
  const degraded = ['trust', 'wasm-runner'].map((service) => ({ service, detail: `${service} is not there` }))
  const rows = describeRig({ ...Rig.fromPartial({ degraded }), chain: Chain.fromPartial({}) })
  assert.deepEqual(
    rows.filter(([name]) => name === 'degraded').map(([, detail]) => detail),
    ['trust is not there', 'wasm-runner is not there'],
  )
  assert.equal(row('degraded'), undefined)
})
