import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { RigError } from '../rpc/failure.ts'
import { encodeTelemetryFrame } from '../shm/telemetry-frame.ts'
import { parseSampleData } from './sample-data.ts'

const refused = (text: string, sentence: string): void =>
  assert.throws(
    () => parseSampleData(text, 'lap.json'),
    (cause) => {
      assert.ok(cause instanceof RigError && cause.code === 'REQUEST_INVALID', `${cause}`)
      assert.equal(cause.detail, sentence)
      return true
    },
  )

test('an array and lines are the same frames, and those are what the rig would make of them', () => {
  const samples = [
    { timestamp_us: 5, sequence: 7, rpm: 6000.5, gear: -1, flags: 3, lap: 2, slip_angle: [1, 2, 3, 4], car_id: 'gt3' },
    {},
  ]
  const array = parseSampleData(JSON.stringify(samples, null, 2), 'lap.json')
  const lines = parseSampleData(`\n${samples.map((sample) => JSON.stringify(sample)).join('\n\n')}\n`, 'lap.json')
  assert.deepEqual(array, lines)
  const expected = TelemetryFrame.fromPartial({
    ...{
      timestampUs: 5n,
      sequence: 7n,
      rpm: 6000.5,
      gear: -1,
      flags: 3,
      lap: 2,
      slipAngle: [1, 2, 3, 4],
      carId: 'gt3',
    },
  })
  assert.deepEqual(
    array.map((frame) => Buffer.from(frame)),
    [encodeTelemetryFrame(expected), encodeTelemetryFrame(TelemetryFrame.fromPartial({}))],
  )
})

test('what is no field is named with its line, and with what was probably meant', () => {
  refused('{"rpm": 1}\n{"rpms": 2}', 'lap.json:2: "rpms" is no field of TelemetryFrame; did you mean rpm?')
  refused('[\n{"rpm": 1},\n\n{\n"x": 2}]', 'lap.json:4: "x" is no field of TelemetryFrame; remove it')
  refused(
    '[{"car_id": "]\\"},\\n["},\n{"__proto__": 1}]',
    'lap.json:1: car_id is "]\\"},\\n["; write text of at most 23 bytes on one line',
  )
  refused(
    '[{"car_id": "],[{\\""},\n{"constructor": 1}]',
    'lap.json:2: "constructor" is no field of TelemetryFrame; remove it',
  )
})

test('what is out of bounds is named with its line, value and bounds', () => {
  const number = 'write a number from'
  refused('{"throttle": 1.5}', `lap.json:1: throttle is 1.5; ${number} 0 to 1`)
  refused('{"rpm": "fast"}', `lap.json:1: rpm is "fast"; ${number} -3.4028234663852886e+38 to 3.4028234663852886e+38`)
  refused('{"rpm": 1e39}', `lap.json:1: rpm is 1e+39; ${number} -3.4028234663852886e+38 to 3.4028234663852886e+38`)
  refused('{"gear": 1.5}', 'lap.json:1: gear is 1.5; write a whole number from -1 to 127')
  refused('{"lap": -1}', 'lap.json:1: lap is -1; write a whole number from 0 to 4294967295')
  refused('{"flags": 524288}', 'lap.json:1: flags is 524288; write a whole number from 0 to 524287')
  refused('{"tire_temp": [1, 2, 3]}', 'lap.json:1: tire_temp is [1,2,3]; write four numbers: FL, FR, RL, RR')
  refused('{"tire_temp": [1, 2, 3, null]}', 'lap.json:1: tire_temp is [1,2,3,null]; write four numbers: FL, FR, RL, RR')
  refused('{"session_id": null}', 'lap.json:1: session_id is null; write text of at most 23 bytes on one line')
})

test('what is no object, and no JSON, is refused with its line', () => {
  refused('[1]', 'lap.json:1: there is 1; write an object with fields of TelemetryFrame')
  refused('[{},\n[]]', 'lap.json:2: there is []; write an object with fields of TelemetryFrame')
  assert.throws(() => parseSampleData('{}\n{', 'lap.json'), /lap\.json:2: not JSON \(/)
  assert.throws(() => parseSampleData('[{}', 'lap.json'), /lap\.json: not JSON \(/)
})
