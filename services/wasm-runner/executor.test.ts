import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safeScalar, safeScalarBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { createExecutor } from './executor.ts'
import type { Report } from './executor-messages.ts'
import { type Guard, noGuard, openGuard } from './guard.ts'
import { darkFrame } from './led-frame.ts'
import type { TickEntry } from './ledger.ts'
import { noRoom } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms, type PluginTerms } from './plugin-terms.ts'
import { codeOf } from './testing/code.ts'
import { type GuestModule, guestModule, op } from './testing/guest-module.ts'
import { memorySlot } from './testing/memory-slot.ts'
import { buildSample } from './testing/samples.ts'
import { specOf } from './testing/specs.ts'

const ledCount = 15

const memorySlots = () => ({ leds: memorySlot(), scalar: memorySlot() })

/** An executor on a clock that the test moves, with cells in memory. */
function rig(suspects?: ReturnType<typeof memorySlots>, guard = noGuard, unitsPerUs = 7000) {
  let nowMs = 0
  let cpuNs = 0
  let tickCpuNs = 1000
  const slots = { telemetry: memorySlot(), ...memorySlots(), suspects }
  const reports: Report[] = []
  const entries: TickEntry[] = []
  const executor = createExecutor({
    slots,
    ledCount,
    pulse: { begin() {}, end() {} },
    record: (entry) => entries.push(entry),
    tell: (report) => reports.push(report),
    guard,
    unitsPerUs,
    now: () => nowMs,
    monotonicNs: () => BigInt(nowMs * 1e6),
    cpuNs: () => (cpuNs += tickCpuNs),
  })
  let ticket = 0
  return {
    slots,
    reports,
    entries,
    executor,
    /** What a tick costs from now on. */
    costs: (ns: number) => {
      tickCpuNs = ns
    },
    async load(bytes: Uint8Array<ArrayBuffer>, part: Partial<PluginSpec> = {}, replaces?: number) {
      const spec = specOf(part)
      executor.obey({
        kind: 'start',
        ticket: ++ticket,
        spec,
        terms: firstTerms(spec),
        code: await codeOf(bytes, part),
        replaces,
        room: noRoom,
      })
      return ticket
    },
    at(ms: number) {
      nowMs = ms
    },
    sweepAt(ms: number) {
      nowMs = ms
      return executor.sweep()
    },
    telemetry(part: { ffb?: number; slip?: number; rpm?: number }) {
      const frame = new Uint8Array(telemetryFrameBytes)
      const view = new DataView(frame.buffer)
      view.setFloat32(telemetryFrame.ffb_scalar.offset, part.ffb ?? 0, true)
      view.setFloat32(telemetryFrame.slip_ratio.offset, part.slip ?? 0, true)
      view.setFloat32(telemetryFrame.rpm.offset, part.rpm ?? 0, true)
      slots.telemetry.publish(frame)
    },
    /** The suspects' thread publishes this scalar now. */
    suspectSays(scalar: number) {
      const value = new DataView(new ArrayBuffer(safeScalarBytes))
      value.setBigUint64(safeScalar.timestamp_ns.offset, BigInt(nowMs * 1e6), true)
      value.setFloat32(safeScalar.ffb_scalar.offset, scalar, true)
      suspects?.scalar.publish(new Uint8Array(value.buffer))
    },
    scalars: () =>
      slots.scalar.published.map((value) => new DataView(value.buffer).getFloat32(safeScalar.ffb_scalar.offset, true)),
  }
}

/** Sets the force scalar of its frame and says that it changed it. */
const setsForce = (scalar: number): GuestModule => ({
  process: [...op.parameter(1), ...op.f32(scalar), ...op.storeF32(telemetryFrame.ffb_scalar.offset), ...op.i32(1)],
})

const gain = Math.fround(1.1)

test('the force goes through the plugins in their order, and comes out with the time at which it did', async () => {
  const { load, sweepAt, telemetry, scalars, slots } = rig()
  const slip = await buildSample('slip-ffb')
  await load(slip, { order: 2 })
  await load(slip, { order: 1 })
  telemetry({ ffb: 0.5, slip: 0.3 })
  sweepAt(10)
  const once = Math.fround(0.5 * gain)
  assert.deepEqual(scalars(), [once, Math.fround(once * gain)])
  assert.equal(new DataView(slots.scalar.published[1]!.buffer).getBigUint64(0, true), 10_000_000n)
})

test('a plugin that changes nothing passes on what the one before it made', async () => {
  const { load, sweepAt, telemetry, scalars } = rig()
  await load(guestModule(setsForce(0.25)), { order: 1 })
  await load(guestModule(), { order: 2 })
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  assert.equal(scalars().at(-1), 0.25)
})

for (const [scalar, published] of [
  [40, 1],
  [-1.5, -1],
] as const) {
  test(`a plugin that answers a force of ${scalar} moves the wheel with ${published}`, async () => {
    const { load, sweepAt, telemetry, scalars } = rig()
    await load(guestModule(setsForce(scalar)))
    telemetry({ ffb: 0.5 })
    sweepAt(10)
    assert.deepEqual(scalars(), [published])
  })
}

for (const scalar of [Number.NaN, Infinity, -Infinity]) {
  test(`a plugin that answers a force of ${scalar} has failed, and the force of its neighbours stands`, async () => {
    const { load, sweepAt, telemetry, scalars, entries } = rig()
    await load(guestModule(setsForce(0.25)), { order: 1 })
    await load(guestModule(setsForce(scalar)), { order: 2 })
    telemetry({ ffb: 0.5 })
    sweepAt(10)
    assert.deepEqual(
      entries.map(({ returned, failed }) => [returned, failed]),
      [
        [true, false],
        [true, true],
      ],
    )
    assert.equal(scalars().at(-1), 0.25)
  })
}

/** Sets the force to 0.25 in its first call, and from then on does this. */
const setsForceOnce = (then: readonly number[]): GuestModule => ({
  process: [
    ...[...op.parameter(2), ...op.loadI32(0), ...op.i32(1), ...op.equal, ...op.ifThen], // frame_number == 1
    ...[...setsForce(0.25).process!, ...op.otherwise, ...then, ...op.endIf],
  ],
})

for (const [vice, then] of [
  ['fails', op.i32(-1)],
  ['answers what is not a number', setsForce(Number.NaN).process!],
  ['traps', op.trap],
] as const) {
  test(`the force of a plugin that later ${vice} does not stay behind`, async () => {
    const { load, sweepAt, telemetry, scalars } = rig()
    await load(guestModule(setsForceOnce(then)))
    telemetry({ ffb: 0.5 })
    sweepAt(10)
    sweepAt(20)
    assert.deepEqual(scalars(), [0.25, 0.5])
  })
}

test('what suspects answer is taken over before the turn of the others, until it is no longer fresh', async () => {
  const { load, sweepAt, telemetry, scalars, slots, executor, suspectSays } = rig(memorySlots())
  await load(guestModule(), { rateHz: 100 })
  executor.obey({ kind: 'relay' })
  telemetry({ ffb: 0.5 })
  suspectSays(0.25)
  sweepAt(10)
  assert.deepEqual(scalars(), [0.25, 0.25], 'the relay, then the plugin that changes nothing')
  sweepAt(15)
  assert.equal(scalars().length, 3, 'the relay ticks at 200 Hz')
  sweepAt(250)
  assert.equal(scalars().at(-1), 0.5)
  assert.equal(slots.leds.published.length, 0)
})

test('the lights that a suspect draws are shown once, and those that an earlier runner left are not', async () => {
  const suspects = memorySlots()
  suspects.leds.publish(darkFrame(ledCount))
  const { sweepAt, slots, executor } = rig(suspects)
  assert.equal(sweepAt(5), Infinity, 'nothing is taken over before there is a suspect')
  executor.obey({ kind: 'relay' })
  sweepAt(10)
  assert.equal(slots.leds.published.length, 0)
  suspects.leds.publish(darkFrame(ledCount))
  sweepAt(15)
  sweepAt(20)
  assert.equal(slots.leds.published.length, 1)
})

test('a plugin that was not granted ModifyTelemetry is called, and its force is dropped', async () => {
  const { load, sweepAt, telemetry, scalars, entries } = rig()
  await load(guestModule(setsForce(1)), { capabilities: ['ReadTelemetry'] })
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  assert.equal(entries.length, 1)
  assert.deepEqual(scalars(), [])
})

test('a plugin that was not granted ReadTelemetry is not called for telemetry, and sees none when it draws LEDs', async () => {
  const { load, sweepAt, telemetry, entries, slots } = rig()
  const leds = await buildSample('rpm-leds')
  await load(leds, { operations: ['TelemetryProcessor'], capabilities: ['ModifyTelemetry'] })
  assert.equal(sweepAt(10), Infinity)
  await load(leds, { operations: ['LedMapper'], capabilities: ['ControlLeds'] })
  telemetry({ rpm: 8000 })
  sweepAt(20)
  assert.equal(entries.length, 1)
  assert.ok(slots.leds.published[0]!.subarray(16).every((colour) => colour === 0))
})

test('before the first frame plugins tick at their rate on a frame of zeroes, and no force is published', async () => {
  const { load, sweepAt, telemetry, scalars, entries } = rig()
  await load(guestModule(setsForce(0.5)))
  for (const ms of [10, 20, 30]) sweepAt(ms)
  assert.equal(entries.length, 3)
  assert.deepEqual(scalars(), [])
  telemetry({ ffb: 1 })
  sweepAt(40)
  assert.deepEqual(scalars(), [0.5])
})

test('when the game goes quiet, plugins tick on with the newest frame', async () => {
  const { load, sweepAt, telemetry, scalars } = rig()
  await load(await buildSample('slip-ffb'))
  telemetry({ ffb: 0.5, slip: 0.3 })
  for (let ms = 10; ms <= 5000; ms += 10) sweepAt(ms)
  assert.equal(scalars().length, 500)
  assert.equal(scalars().at(-1), Math.fround(0.5 * gain))
})

test('all ticks of one moment see the same telemetry, whatever arrives meanwhile', async () => {
  const { load, sweepAt, telemetry, scalars, slots } = rig()
  await load(guestModule(), { order: 1 })
  await load(guestModule(), { order: 2 })
  telemetry({ ffb: 0.5 })
  const { read } = slots.telemetry
  slots.telemetry.read = (value) => {
    const number = read(value)
    telemetry({ ffb: 0.25 })
    return number
  }
  sweepAt(10)
  assert.deepEqual(scalars(), [0.5, 0.5])
  sweepAt(20)
  // What the second answered before stands until it has answered again.
  assert.deepEqual(scalars().slice(2), [0.5, 0.25])
})

test('the LEDs that a plugin draws are shown', async () => {
  const { load, sweepAt, telemetry, slots } = rig()
  await load(await buildSample('rpm-leds'), { operations: ['LedMapper'] })
  telemetry({ rpm: 4000 })
  sweepAt(10)
  const frame = slots.leds.published[0]!
  assert.equal(new DataView(frame.buffer).getUint32(0, true), ledCount)
  assert.deepEqual([...frame.subarray(16, 19)], [0, 255, 0])
  assert.deepEqual([...frame.subarray(16 + 7 * 3, 16 + 8 * 3)], [0, 0, 0])
})

test('a plugin that claims more LEDs than the rim has is counted as failed, and nothing is shown', async () => {
  const { load, sweepAt, entries, slots } = rig()
  const process = [...op.parameter(3), ...op.i32(ledCount + 1), ...op.storeI32(0), ...op.i32(1)]
  await load(guestModule({ process }), { operations: ['LedMapper'] })
  sweepAt(10)
  assert.equal(slots.leds.published.length, 0)
  assert.deepEqual([entries[0]?.returned, entries[0]?.failed], [true, true])
})

test('a plugin that lowers the number of LEDs does not lower it for the next one', async () => {
  const { load, sweepAt, telemetry, slots } = rig()
  const process = [...op.parameter(3), ...op.i32(1), ...op.storeI32(0), ...op.i32(1)]
  await load(guestModule({ process }), { operations: ['LedMapper'], order: 1 })
  await load(await buildSample('rpm-leds'), { operations: ['LedMapper'], order: 2 })
  telemetry({ rpm: 8000 })
  sweepAt(10)
  const counts = slots.leds.published.map((frame) => new DataView(frame.buffer).getUint32(0, true))
  assert.deepEqual(counts, [1, ledCount])
})

test('a plugin with both operations runs both in one tick, which counts once', async () => {
  const { load, sweepAt, telemetry, scalars, slots, entries } = rig()
  await load(guestModule({ process: op.i32(1) }), { operations: ['TelemetryProcessor', 'LedMapper'] })
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  assert.equal(entries.length, 1)
  assert.equal(scalars().length, 1)
  assert.equal(slots.leds.published.length, 1)
})

test('a plugin that answers with an error is counted as failed and called again, and its force is the one before it', async () => {
  const { load, sweepAt, telemetry, scalars, entries } = rig()
  await load(guestModule({ process: op.i32(-1) }))
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  sweepAt(20)
  assert.deepEqual(
    entries.map(({ returned, failed }) => [returned, failed]),
    [
      [true, true],
      [true, true],
    ],
  )
  assert.deepEqual(scalars(), [0.5, 0.5])
})

test('a plugin that traps is lost and its neighbours go on without it', async () => {
  const { load, sweepAt, telemetry, scalars, entries, reports } = rig()
  const trapping = await load(guestModule({ process: op.trap }), { order: 2 })
  const neighbour = await load(guestModule(setsForce(0.25)), { order: 1 })
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  assert.deepEqual(reports.at(-1), {
    kind: 'lost',
    ticket: trapping,
    violation: { kind: 'crash', detail: 'process trapped: unreachable' },
  })
  sweepAt(20)
  assert.deepEqual(
    entries.map(({ ticket, returned }) => [ticket, returned]),
    [
      [neighbour, true],
      [trapping, false],
      [neighbour, true],
    ],
  )
  assert.equal(scalars().at(-1), 0.25)
})

test('a tick is over its budget when its own CPU time is', async () => {
  const { load, sweepAt, entries, costs } = rig()
  await load(guestModule(), { budgetUs: 100 })
  costs(100_000)
  sweepAt(10)
  costs(100_001)
  sweepAt(20)
  assert.deepEqual(
    entries.map(({ cpuNs, overBudget }) => [cpuNs, overBudget]),
    [
      [100_000, false],
      [100_001, true],
    ],
  )
})

test('each plugin is called at its own rate, and ticks that the machine was late for are missed, not made up for', async () => {
  const { load, sweepAt, entries } = rig()
  const slow = await load(guestModule(), { rateHz: 100 })
  const fast = await load(guestModule(), { rateHz: 200 })
  for (let ms = 1; ms <= 100; ms++) sweepAt(ms)
  const ticksOf = (ticket: number): number => entries.filter((entry) => entry.ticket === ticket).length
  assert.deepEqual([ticksOf(slow), ticksOf(fast)], [10, 20])
  assert.equal(sweepAt(153), 155)
  assert.deepEqual([ticksOf(slow), ticksOf(fast)], [11, 21])
  const missed = entries.reduce((sum, entry) => sum + entry.missed, 0)
  assert.equal(missed, 4 + 9)
})

test('a plugin that takes the place of another does so once it is ready, and one that cannot start leaves it in place', async () => {
  const { load, sweepAt, entries, reports } = rig()
  const id = specOf().id
  const old = await load(guestModule(), { id })
  const broken = await load(guestModule({ initialize: op.i32(-1) }), { id }, old)
  assert.equal(reports.at(-1)?.kind, 'refused')
  assert.equal(
    reports.some((report) => report.kind === 'started' && report.ticket === broken),
    false,
  )
  sweepAt(10)
  const next = await load(guestModule(), { id }, old)
  sweepAt(20)
  assert.deepEqual(
    entries.map(({ ticket }) => ticket),
    [old, next],
  )
})

test('a plugin whose shutdown traps is stopped all the same, and stopping repeats safely', async () => {
  const { load, sweepAt, executor, reports, entries } = rig()
  const ticket = await load(guestModule({ shutdown: op.trap }))
  executor.obey({ kind: 'stop', ticket })
  executor.obey({ kind: 'stop', ticket })
  assert.deepEqual(reports.filter(({ kind }) => kind === 'stopped').length, 2)
  sweepAt(10)
  assert.equal(entries.length, 0)
})

test('one plugin sends another a message through its mailbox', async () => {
  const { load, sweepAt, entries } = rig()
  const reader = specOf().id
  const io = (name: string, count: number): NonNullable<GuestModule['imports']> => [
    { module: 'env', name, parameters: Array.from({ length: count }, () => 'i32' as const), results: ['i32'] },
  ]
  // The reader answers with the negative of what it received: a failed tick is one that received something.
  const receive = [...op.i32(0), ...op.i32(1024), ...op.i32(64), ...op.call(0), 0x6b]
  await load(guestModule({ imports: io('receive_message', 2), process: receive }), { id: reader, order: 1 })
  sweepAt(10)
  const send = [...op.i32(64), ...op.i32(36), ...op.i32(64), ...op.i32(8), ...op.call(0)]
  await load(guestModule({ imports: io('send_message', 4), process: send, data: reader }), { order: 2 })
  sweepAt(20)
  sweepAt(30)
  assert.deepEqual(
    entries.map(({ failed }) => failed),
    [false, false, false, true, false],
  )
})

/** So much fuel that only the guard ends a loop. */
const muchFuel = 1e9

/** The Node that package.json names has one. */
const thisThreads = (): Guard => openGuard()!

test('what the clock of the thread says of a tick is believed as far as the tick was watched', async () => {
  const watched = rig(undefined, thisThreads())
  await watched.load(guestModule(counts), { budgetUs: 5000 })
  watched.costs(100_000_000) // a hypervisor had the core
  watched.sweepAt(10)
  const [entry] = watched.entries
  assert.ok(entry?.returned && entry.cpuNs < 100_000_000 && entry.cpuNs >= 1_000_000, `${entry?.cpuNs} ns`)
  const believed = rig()
  await believed.load(guestModule(counts), { budgetUs: 5000 })
  believed.costs(100_000_000)
  believed.sweepAt(10)
  assert.deepEqual(
    believed.entries.map(({ cpuNs, overBudget }) => [cpuNs, overBudget]),
    [[100_000_000, true]],
  )
})

/** Answers how often it was called, as a force of hundredths. */
const counts: GuestModule = {
  process: [
    ...[...op.i32(512), ...op.i32(512), ...op.loadI32(0), ...op.i32(1), ...op.add, ...op.storeI32(0)],
    ...[...op.parameter(1), ...op.i32(512), ...op.loadI32(0), ...op.toF32, ...op.f32(100), ...op.divideF32],
    ...[...op.storeF32(telemetryFrame.ffb_scalar.offset), ...op.i32(1)],
  ],
}

const timestamp = { module: 'env', name: 'get_timestamp_us', parameters: [], results: ['i64'] } as const

const loops: readonly (readonly [what: string, module: GuestModule])[] = [
  ['loops', { process: [...op.loopForever, ...op.i32(0)] }],
  [
    'grows its memory by nothing for ever',
    { process: [...op.forEver([...op.i32(0), ...op.grow, ...op.drop]), ...op.i32(0)] },
  ],
  [
    'calls the host for ever',
    { imports: [timestamp], process: [...op.forEver([...op.call(0), ...op.drop]), ...op.i32(0)] },
  ],
]

for (const [what, module] of loops) {
  test(`a plugin that ${what} is interrupted, and its neighbours have their tick in the same round`, async () => {
    const { load, sweepAt, telemetry, scalars, reports, entries } = rig(undefined, thisThreads(), muchFuel)
    const before = await load(guestModule(), { order: 1 })
    const looping = await load(guestModule(module), { order: 2, budgetUs: 500 })
    const after = await load(guestModule(counts), { order: 3 })
    telemetry({ ffb: 0.5 })
    sweepAt(10)
    const lost = reports.at(-1)
    assert.ok(lost?.kind === 'lost' && lost.ticket === looping)
    assert.equal(lost.violation.kind, 'budget')
    assert.match(lost.violation.detail, /^process was interrupted: it ran for \d+ µs, and may run for 500 µs$/)
    sweepAt(20)
    assert.deepEqual(
      entries.map(({ ticket, returned }) => [ticket, returned]),
      [
        [before, true],
        [looping, false],
        [after, true],
        [before, true],
        [after, true],
      ],
    )
    assert.deepEqual(scalars().slice(-1), [Math.fround(0.02)], 'the second tick of the same instance')
  })
}

for (const [where, module] of [
  ['initialize', { initialize: [...op.loopForever, ...op.i32(0)] }],
  ['its start function', { start: op.loopForever }],
] as const) {
  test(`a plugin that loops in ${where} is interrupted and refused`, async () => {
    const { load, sweepAt, reports, entries } = rig(undefined, thisThreads(), muchFuel)
    const neighbour = await load(guestModule())
    await load(guestModule(module))
    const refused = reports.at(-1)
    assert.ok(refused?.kind === 'refused')
    assert.match(
      refused.detail,
      new RegExp(`did not start \\(${where} was interrupted: it ran for \\d+ µs, and may run for 50000 µs\\); ask`),
    )
    sweepAt(10)
    assert.deepEqual(
      entries.map(({ ticket }) => ticket),
      [neighbour],
    )
  })
}

test('a plugin that loops in its shutdown is interrupted, and stopped', async () => {
  const { load, executor, reports } = rig(undefined, thisThreads(), muchFuel)
  const ticket = await load(guestModule({ shutdown: [...op.loopForever, ...op.i32(0)] }))
  executor.obey({ kind: 'stop', ticket })
  assert.deepEqual(
    reports.slice(-2).map((report) => (report.kind === 'log' ? /shutdown was interrupted/.test(report.line) : report)),
    [true, { kind: 'stopped', ticket }],
  )
})

const adjustment = (ticket: number, part: Partial<PluginTerms>) => {
  const terms = { ...firstTerms(specOf()), ...part }
  return { kind: 'adjust', ticket, terms } as const
}

const scalarTimes = (slots: ReturnType<typeof memorySlots>): bigint[] =>
  slots.scalar.published.map((value) => new DataView(value.buffer).getBigUint64(safeScalar.timestamp_ns.offset, true))

test('a plugin that loses ModifyTelemetry is called on, and its force is gone before its next tick', async () => {
  const { load, sweepAt, telemetry, scalars, executor, entries, slots } = rig()
  await load(guestModule(setsForce(0.25)), { order: 1 })
  const ticket = await load(guestModule(setsForce(1)), { order: 2 })
  telemetry({ ffb: 0.5 })
  sweepAt(10)
  assert.equal(scalars().at(-1), 1)
  executor.obey(adjustment(ticket, { capabilities: ['ReadTelemetry'] }))
  assert.equal(scalars().at(-1), 0.25, 'what remains is published at once')
  sweepAt(20)
  assert.equal(scalars().at(-1), 0.25)
  assert.equal(entries.length, 4)
  executor.obey(adjustment(1, { capabilities: ['ReadTelemetry'] }))
  assert.equal(scalarTimes(slots).at(-1), 0n, 'nobody is left: the scalar is as old as can be')
  executor.obey(adjustment(ticket, {}))
  sweepAt(30)
  assert.equal(scalars().at(-1), 1)
})

test('a suspect that loses ModifyTelemetry is passed over by the common thread at once', async () => {
  const suspects = memorySlots()
  const { load, sweepAt, telemetry, scalars, executor, suspectSays, slots, at } = rig(suspects)
  await load(guestModule())
  executor.obey({ kind: 'relay' })
  telemetry({ ffb: 0.5 })
  at(1004)
  suspectSays(1)
  sweepAt(1005)
  assert.equal(scalars().at(-1), 1)
  suspects.scalar.publish(new Uint8Array(safeScalarBytes))
  sweepAt(1010)
  assert.equal(scalars().at(-1), 0.5)
  executor.obey({ kind: 'stop', ticket: 1 })
  suspectSays(1)
  sweepAt(1015)
  suspects.scalar.publish(new Uint8Array(safeScalarBytes))
  sweepAt(1020)
  assert.equal(scalarTimes(slots).at(-1), 0n)
})

test('a plugin that loses ControlLeds draws no more, and draws again when it has it back', async () => {
  const { load, sweepAt, telemetry, executor, slots, entries } = rig()
  const ticket = await load(await buildSample('rpm-leds'), { operations: ['LedMapper'] })
  telemetry({ rpm: 8000 })
  sweepAt(10)
  assert.equal(slots.leds.published.length, 1)
  executor.obey(adjustment(ticket, { capabilities: ['ReadTelemetry'] }))
  assert.equal(sweepAt(20), Infinity)
  executor.obey(adjustment(ticket, {}))
  sweepAt(30)
  assert.deepEqual([slots.leds.published.length, entries.length], [2, 2])
})

/** The module that answers with what a capability is said to be, as an error; `read_telemetry` at 64. */
const asksForCapability: GuestModule = {
  imports: [{ module: 'env', name: 'check_capability', parameters: ['i32', 'i32'], results: ['i32'] }],
  data: 'control_leds',
  process: [...op.i32(64), ...op.i32(12), ...op.call(0)],
}

test('a plugin is told of a capability that it lost at its next tick, keeps its instance, and is told when it is back', async () => {
  const { load, sweepAt, executor, entries } = rig()
  const ticket = await load(guestModule(asksForCapability))
  sweepAt(10)
  executor.obey(adjustment(ticket, { capabilities: ['ReadTelemetry'] }))
  sweepAt(20)
  executor.obey(adjustment(ticket, {}))
  sweepAt(30)
  assert.deepEqual(
    entries.map(({ failed }) => failed),
    [false, true, false],
    '-3 is a failed tick',
  )
})

for (const [who, requested, violations] of [
  ['does not ask for', [], 1],
  ['asks for openly', ['InterPluginComm'], 0],
] as const) {
  test(`a call that needs a capability that a plugin ${who} is refused without it, and charged ${violations} times`, async () => {
    const { load, sweepAt, executor, reports, entries } = rig()
    const receive: GuestModule = {
      imports: [{ module: 'env', name: 'receive_message', parameters: ['i32', 'i32'], results: ['i32'] }],
      process: [...op.i32(1024), ...op.i32(64), ...op.call(0)],
    }
    const ticket = await load(guestModule(receive), { requested })
    sweepAt(10)
    executor.obey(adjustment(ticket, { capabilities: ['ReadTelemetry'] }))
    sweepAt(20)
    assert.deepEqual(
      entries.map(({ failed }) => failed),
      [false, true],
    )
    const charged = reports.filter((report) => report.kind === 'violated')
    assert.equal(charged.length, violations)
    for (const { violation } of charged) assert.match(violation.detail, /^receive_message needs InterPluginComm/)
  })
}

test('a tick that is due when the terms change is not lost, and a plugin counts on with the rate that it has', async () => {
  const { load, sweepAt, executor, entries, at } = rig()
  // Fails in each tick whose frame number and rate are not those of `expected`: it answers with the difference, below 0.
  const sum = [...op.parameter(2), ...op.loadI32(0), ...op.parameter(2), ...op.loadI32(12), ...op.add]
  const ticket = await load(guestModule({ process: [...op.i32(0), ...sum, 0x6b] }), { rateHz: 200 })
  for (const ms of [5, 10]) sweepAt(ms)
  at(15)
  executor.obey(adjustment(ticket, { rateHz: 100 }))
  assert.equal(entries.length, 3, 'the tick of 15 ms')
  assert.equal(sweepAt(15), 20)
  sweepAt(20)
  executor.obey(adjustment(ticket, { rateHz: 0 }))
  assert.equal(sweepAt(400), Infinity)
  executor.obey(adjustment(ticket, { rateHz: 200 }))
  sweepAt(405)
  assert.deepEqual(
    entries.map(({ missed }) => missed),
    [0, 0, 0, 0, 0],
  )
})

test('a plugin begins at the rate that it is loaded at, which may be none', async () => {
  const { load, sweepAt, executor, entries } = rig()
  const ticket = await load(guestModule(), { initialRateHz: 0 })
  assert.equal(sweepAt(1000), Infinity)
  executor.obey(adjustment(ticket, { rateHz: 50 }))
  sweepAt(1010)
  sweepAt(1020)
  assert.deepEqual(
    entries.map(({ missed }) => missed),
    [0],
  )
})

test('terms for a plugin that does not run are answered', () => {
  const { executor, reports } = rig()
  executor.obey(adjustment(7, {}))
  assert.deepEqual(reports, [{ kind: 'adjusted', ticket: 7 }])
})
