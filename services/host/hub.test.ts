import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { frameSlotBytes, telemetryFrame as layout, frameSlot as slotLayout } from '../../gen/layout.ts'
import { type DeepPartial, PublishTelemetryRequest } from '../../gen/proto/openracing/v1/telemetry.ts'
import { createHub } from './hub.ts'

/** `room`: whether the loop takes force. */
function rig(room = true) {
  const frames: Buffer[] = []
  const slots: Buffer[] = []
  let pushed = Promise.withResolvers<void>()
  let nowNs = 1_000_000_000n
  const hub = createHub({
    memory: {
      publishTelemetry: (frame) => frames.push(Buffer.from(frame)),
      pushInput: (bytes) => {
        for (let at = 0; at < bytes.length; at += frameSlotBytes) {
          slots.push(Buffer.from(bytes.subarray(at, at + frameSlotBytes)))
        }
        pushed.resolve()
        pushed = Promise.withResolvers()
        return room ? 0 : bytes.length / frameSlotBytes
      },
    },
    gain: 0.75,
    maxTorqueNm: 8,
    nowNs: () => nowNs,
    log: pino({ level: 'silent' }),
  })
  return {
    hub,
    frames,
    slots,
    send: (request: DeepPartial<PublishTelemetryRequest>) => hub.accept(PublishTelemetryRequest.fromPartial(request)),
    pass: (ns: bigint) => {
      nowNs += ns
    },
    nextPush: () => pushed.promise,
    [Symbol.dispose]: hub.close,
  }
}

test('a frame gets the number and the strength of the rig and is published to the byte', () => {
  using it = rig()
  assert.equal(
    it.send({ frame: { rpm: 6000, flags: 0b11, knownFlags: 0b01, ffbScalar: 0.1, sequence: 99n } }),
    'accepted',
  )
  it.send({ frame: { rpm: 6100 } })
  assert.equal(it.frames.length, 2)
  const [first, second] = it.frames as [Buffer, Buffer]
  assert.equal(first.readFloatLE(layout.rpm.offset), 6000)
  assert.equal(first.readFloatLE(layout.ffb_scalar.offset), 0.75)
  assert.equal(first.readUInt32LE(layout.flags.offset), 0b01)
  assert.equal(first.readBigUInt64LE(layout.sequence.offset), 1n)
  assert.equal(second.readBigUInt64LE(layout.sequence.offset), 2n)
})

test('the newest frame keeps what the game does not send apart from what it sends as zero', () => {
  using it = rig()
  assert.equal(it.hub.latest(), undefined)
  it.send({ frame: { gear: 0, carId: 'é'.repeat(20) } })
  const latest = it.hub.latest()
  assert.equal(latest?.gear, 0)
  assert.equal(latest?.rpm, undefined)
  assert.equal(latest?.carId, 'é'.repeat(11))
  assert.equal(latest?.ffbScalar, 0.75)
})

test('a refused frame reaches nobody, and the force that came with it neither', () => {
  using it = rig()
  const force = { samples: [0.5], sampleRateHz: 60 }
  assert.equal(it.send({ frame: { rpm: Number.NaN }, force }), 'refused')
  assert.equal(it.send({ frame: { rpm: 1 }, force: { samples: [2], sampleRateHz: 60 } }), 'refused')
  assert.deepEqual([it.frames.length, it.slots.length, it.hub.latest()], [0, 0, undefined])
})

test('force reaches the loop in N·m, due 30 ms later, with the angle of the frame', () => {
  using it = rig()
  it.send({ frame: { steeringAngle: 0.25 }, force: { samples: [-0.5, 1], sampleRateHz: 1000 } })
  assert.equal(it.slots.length, 2)
  const [first, second] = it.slots as [Buffer, Buffer]
  assert.equal(first.readFloatLE(slotLayout.ffb_in.offset), -4)
  assert.equal(second.readFloatLE(slotLayout.ffb_in.offset), 8)
  assert.equal(first.readBigUInt64LE(slotLayout.timestamp_ns.offset), 1_030_000_000n)
  assert.equal(second.readBigUInt64LE(slotLayout.timestamp_ns.offset), 1_031_000_000n)
  assert.equal(second.readFloatLE(slotLayout.wheel_angle.offset), 0.25)
})

test('force that came too early for the loop is handed out by itself when its time is near', async () => {
  using it = rig()
  it.send({ force: { samples: new Array(100).fill(0.1), sampleRateHz: 1000 } })
  assert.equal(it.slots.length, 51) // due 30 to 80 ms from now
  it.pass(50_000_000n)
  await it.nextPush()
  assert.equal(it.slots.length, 100)
})

test('what came in is counted: frames, and packets that could not be read', () => {
  using it = rig()
  it.send({ frame: { rpm: 6000, maxRpm: 9000, speedMs: 40, gear: 3 }, droppedPackets: 2 })
  assert.equal(it.send({ droppedPackets: 1 }), 'empty')
  assert.deepEqual(it.hub.intake(), {
    frames: 1n,
    droppedPackets: 3n,
    forceUnderruns: 0n,
    droppedForceSamples: 0n,
    droppedForceFrames: 0n,
    rpm: 6000,
    maxRpm: 9000,
    speedMs: 40,
    gear: 3,
  })
})

const force = (samples: number) => ({ force: { samples: new Array(samples).fill(0.1), sampleRateHz: 1000 } })

test('force that ran dry and force that came too early are counted apart', () => {
  using it = rig()
  it.send(force(10))
  it.pass(50_000_000n) // the last of them was due 39 ms after it came
  it.send(force(100))
  assert.deepEqual([it.hub.intake().forceUnderruns, it.hub.intake().droppedForceSamples], [1n, 0n])
  it.send(force(110)) // the first of them is due in 130 ms; without 100 of them it would be in 30
  const { forceUnderruns, droppedForceSamples, droppedForceFrames } = it.hub.intake()
  assert.deepEqual([forceUnderruns, droppedForceSamples, droppedForceFrames], [1n, 100n, 0n])
})

test('force that the loop does not take is counted', () => {
  using it = rig(false)
  it.send(force(10))
  it.send(force(5))
  assert.equal(it.hub.intake().droppedForceFrames, 15n)
})

test('a refused request counts no packets', () => {
  using it = rig()
  assert.equal(it.send({ frame: { rpm: Number.NaN }, droppedPackets: 0xffff_ffff }), 'refused')
  assert.equal(it.hub.intake().droppedPackets, 0n)
})
