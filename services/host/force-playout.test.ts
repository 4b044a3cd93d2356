import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inputAheadMaxNs } from '../../gen/layout.ts'
import { createForcePlayout, type ForceFrame, leadNs } from './force-playout.ts'

const ms = (value: number): bigint => BigInt(Math.round(value * 1e6))
const flat = (count: number, force = 0.5): readonly number[] => Array.from({ length: count }, () => force)

function assertSpacing(frames: readonly ForceFrame[], spacingNs: number): void {
  for (const [index, frame] of frames.slice(1).entries()) {
    const away = Math.abs(Number(frame.dueNs - (frames[index] as ForceFrame).dueNs) - spacingNs)
    assert.ok(away <= 1, `frame ${index + 1} is ${away} ns off`)
  }
}

/** Batches of one length that arrive at their time, each up to `jitterMs` late and none overtaking another. */
function play(batches: number, samplesPerBatch: number, rateHz: number, latenessMs: readonly number[]) {
  const playout = createForcePlayout()
  const frames: ForceFrame[] = []
  let nowNs = 0n
  const takeAt = (atNs: bigint): void => {
    nowNs = atNs
    for (const frame of playout.take(nowNs)) {
      assert.ok(frame.dueNs - nowNs <= BigInt(inputAheadMaxNs), 'more than 100 ms ahead')
      frames.push(frame)
    }
  }
  for (let batch = 0; batch < batches; batch++) {
    const late = latenessMs[batch % latenessMs.length] as number
    const arrival = ms((batch * samplesPerBatch * 1000) / rateHz + late)
    nowNs = arrival > nowNs ? arrival : nowNs
    const samples = Array.from(
      { length: samplesPerBatch },
      (_, index) => ((batch * samplesPerBatch + index) % 199) / 199,
    )
    playout.accept({ samples, rateHz, angle: batch }, nowNs)
    takeAt(nowNs)
  }
  while (playout.isWaiting()) takeAt(nowNs + ms(20))
  return { playout, frames }
}

test('the first sample is due 30 ms after it came, the others at the rate of the signal', () => {
  const playout = createForcePlayout()
  playout.accept({ samples: flat(10), rateHz: 1000, angle: 0 }, ms(1000))
  const frames = playout.take(ms(1000))
  assert.equal(frames.length, 10)
  assert.equal(frames[0]?.dueNs, ms(1000) + leadNs)
  assertSpacing(frames, 1e6)
})

test('packets that come up to 19 ms late leave no gap, and every sample is played once, in order and in time', () => {
  const lateness = fc.array(fc.double({ min: 0, max: 19, noNaN: true }), { minLength: 1, maxLength: 40 })
  const shape = fc.record({
    rateHz: fc.integer({ min: 100, max: 1000 }),
    lateness,
    perBatch: fc.integer({ min: 1, max: 40 }),
  })
  fc.assert(
    fc.property(shape, ({ rateHz, perBatch, lateness }) => {
      // The first packet sets the time: here it is the only one that is never late. 19 ms and the 10 ms between two
      // samples of the slowest signal are within the lead of 30 ms.
      const { playout, frames } = play(60, perBatch, rateHz, [0, ...lateness])
      const parts = Math.ceil(1000 / rateHz)
      assert.equal(playout.underruns(), 0)
      assert.equal(playout.dropped(), 0)
      assert.equal(frames.length, 60 * perBatch * parts - (parts - 1))
      assertSpacing(frames, 1e9 / rateHz / parts)
      const played = frames.filter((_, index) => index % parts === 0).map((frame) => frame.force)
      assert.deepEqual(
        played,
        Array.from({ length: 60 * perBatch }, (_, index) => (index % 199) / 199),
      )
    }),
    { numRuns: 60 },
  )
})

test('whatever comes, due times only rise and nothing is handed out more than 100 ms ahead', () => {
  const event = fc.record({
    waitMs: fc.double({ min: 0, max: 300, noNaN: true }),
    count: fc.integer({ min: 0, max: 200 }),
    rateHz: fc.integer({ min: 1, max: 1000 }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const playout = createForcePlayout()
      let nowNs = 0n
      let lastNs = -1n
      for (const { waitMs, count, rateHz } of events) {
        nowNs += ms(waitMs)
        playout.accept({ samples: flat(count), rateHz, angle: 1 }, nowNs)
        for (const frame of playout.take(nowNs)) {
          assert.ok(frame.dueNs > lastNs)
          assert.ok(frame.dueNs - nowNs <= BigInt(inputAheadMaxNs))
          assert.ok(Number.isFinite(frame.force) && Number.isFinite(frame.angle) && Number.isFinite(frame.speed))
          lastNs = frame.dueNs
        }
      }
    }),
  )
})

test('a signal that ran dry begins anew 30 ms later', () => {
  const playout = createForcePlayout()
  playout.accept({ samples: flat(16), rateHz: 1000, angle: 0 }, 0n)
  playout.take(0n)
  playout.accept({ samples: flat(1), rateHz: 1000, angle: 0 }, ms(500))
  assert.deepEqual(
    playout.take(ms(500)).map((frame) => frame.dueNs),
    [ms(530)],
  )
  assert.equal(playout.underruns(), 1)
})

test('a publisher that is faster than time loses samples instead of gathering delay', () => {
  const playout = createForcePlayout()
  let newestNs = 0n
  for (let nowMs = 0; nowMs < 2000; nowMs += 20) {
    playout.accept({ samples: flat(40), rateHz: 1000, angle: 0 }, ms(nowMs)) // twice the speed of time
    newestNs = playout.take(ms(nowMs)).at(-1)?.dueNs ?? newestNs
    assert.ok(newestNs - ms(nowMs) <= ms(100))
  }
  assert.ok(playout.dropped() > 1800 && playout.dropped() < 2200, `${playout.dropped()} dropped`)
  assert.equal(playout.underruns(), 0)
})

test('half a second of samples in one packet is handed out as it becomes due', () => {
  const { frames } = play(4, 500, 1000, [0])
  assert.equal(frames.length, 2000)
  assertSpacing(frames, 1e6)
})

test('a 360 Hz signal is drawn in straight lines, three frames a sample', () => {
  const playout = createForcePlayout()
  playout.accept({ samples: [0, 0.3, 0.6], rateHz: 360, angle: 0 }, 0n)
  const forces = playout.take(0n).map((frame) => Math.round(frame.force * 1000) / 1000)
  assert.deepEqual(forces, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
})

test('the wheel turns evenly from the angle of one packet to that of the next', () => {
  const playout = createForcePlayout()
  playout.accept({ samples: flat(4), rateHz: 1000, angle: 1 }, 0n)
  assert.ok(playout.take(0n).every((frame) => frame.angle === 1 && frame.speed === 0))
  playout.accept({ samples: flat(4), rateHz: 1000, angle: 2 }, ms(4))
  const frames = playout.take(ms(4))
  assert.deepEqual(
    frames.map((frame) => frame.angle),
    [1.25, 1.5, 1.75, 2],
  )
  assert.deepEqual(
    frames.map((frame) => Math.round(frame.speed)),
    [250, 250, 250, 250],
  )
})

test('a change of rate keeps the order and the distance of one period', () => {
  const playout = createForcePlayout()
  playout.accept({ samples: flat(5), rateHz: 1000, angle: 0 }, 0n)
  playout.accept({ samples: flat(5), rateHz: 500, angle: 0 }, ms(5))
  assertSpacing(playout.take(ms(5)), 1e6)
})
