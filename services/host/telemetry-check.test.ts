import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeepPartial } from '../../gen/proto/openracing/v1/telemetry.ts'
import { PublishTelemetryRequest, TelemetryFrame } from '../../gen/proto/openracing/v1/telemetry.ts'
import { telemetryProblem } from './telemetry-check.ts'

const problemOf = (request: DeepPartial<PublishTelemetryRequest>) =>
  telemetryProblem(PublishTelemetryRequest.fromPartial(request))

const wrong: readonly (readonly [DeepPartial<PublishTelemetryRequest>, RegExp])[] = [
  [{ frame: { rpm: Number.NaN } }, /^rpm is NaN/],
  [{ frame: { speedMs: Number.POSITIVE_INFINITY } }, /^speedMs is Infinity/],
  [{ frame: { throttle: 1.01 } }, /^throttle is 1.01; send 0 to 1$/],
  [{ frame: { brake: -0.1 } }, /^brake/],
  [{ frame: { gear: -2 } }, /^gear is -2; send -1 to 127$/],
  [{ frame: { flags: 1 << 19 } }, /^flags/],
  [{ frame: { slipAngle: [0, 0, 0] } }, /^slipAngle has 3 values; send four or none$/],
  [{ frame: { tireTemp: [80, 80, Number.NaN, 80] } }, /^tireTemp has NaN/],
  [{ frame: { carId: 'a\0b' } }, /^carId has a control character/],
  [{ force: { samples: [0, 1.5], sampleRateHz: 360 } }, /^force has the sample 1.5; send -1 to 1$/],
  [{ force: { samples: [Number.NaN], sampleRateHz: 360 } }, /^force has the sample NaN/],
  [{ force: { samples: [0], sampleRateHz: 0 } }, /^sample_rate_hz is 0; send 1 to 1000$/],
  [{ force: { samples: [0], sampleRateHz: 1001 } }, /^sample_rate_hz/],
  [{ force: { samples: new Array(61).fill(0), sampleRateHz: 60 } }, /^force has 61 samples at 60 Hz/],
]

test('a frame with a value that is not finite or out of range is refused, and the sentence says which', () => {
  for (const [request, sentence] of wrong) assert.match(problemOf(request) ?? 'nothing', sentence)
})

test('what a game may send is not refused', () => {
  assert.equal(problemOf({}), undefined)
  assert.equal(problemOf({ frame: {} }), undefined)
  assert.equal(problemOf({ force: { samples: [], sampleRateHz: 1 } }), undefined)
  const frame = { gear: -1, throttle: 1, slipRatio: 0, flags: 0x7ffff, tireTemp: [1, 2, 3, 4], trackId: 'Nürburgring' }
  assert.equal(problemOf({ frame, force: { samples: [-1, 0, 1], sampleRateHz: 1000 } }), undefined)
})

test('every number of a frame is checked', () => {
  const known = Object.keys(TelemetryFrame.fromPartial({}))
  const numbers = known.filter((key) => !/Id$|^timestampUs|^sequence|^slipAngle|^tire|^ffbScalar/.test(key))
  assert.ok(numbers.length > 20)
  for (const field of numbers)
    assert.match(problemOf({ frame: { [field]: Number.NaN } }) ?? 'nothing', new RegExp(field))
})
