import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { safeScalar, safeScalarBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { openLatest } from '../../shm/latest.ts'
import { openScalarSlot, openTelemetrySlot } from '../../shm/slots.ts'
import { until } from '../../test/until.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms, type PluginTerms } from './plugin-terms.ts'
import { type Runner, type RunnerOptions, startRunner } from './runner.ts'
import { type GuestModule, guestModule, op } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'
import { wasmOf } from './testing/wasm-text.ts'

const { PLUGIN_STATE_RUNNING, PLUGIN_STATE_WAITING } = PluginState
const { VIOLATION_KIND_BUDGET, VIOLATION_KIND_TIMEOUT } = ViolationKind

/** Units a µs: so much that nothing runs out of it, and the watchdog is all that there is. */
const onlyWatched = { unitsPerUs: 1e9, unguarded: true }
/** The same, and loops are interrupted. */
const onlyGuarded = { unitsPerUs: 1e9 }

/** A runner on shared memory of its own. */
async function rig(part: Pick<RunnerOptions, 'unitsPerUs' | 'unguarded'> = {}) {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const runner = await startRunner({ shmDir, ledCount: 15, log, guestLog: log, ...part })
  let files = 0
  return {
    runner,
    lines,
    shmDir,
    async specOf(bytes: Uint8Array, part: Partial<PluginSpec> = {}): Promise<PluginSpec> {
      const path = join(shmDir, `plugin-${files++}.wasm`)
      await writeFile(path, bytes)
      return specOf({ path, sha256: createHash('sha256').update(bytes).digest('hex'), ...part })
    },
    /** The rig's side of the shared memory. */
    cells() {
      const telemetry = openTelemetrySlot({ shmDir })
      const scalar = openScalarSlot({ shmDir })
      const value = new DataView(new ArrayBuffer(safeScalarBytes))
      return {
        publish(part: { readonly flags: number }) {
          const frame = new DataView(new ArrayBuffer(telemetryFrameBytes))
          frame.setFloat32(telemetryFrame.ffb_scalar.offset, 0.5, true)
          frame.setUint32(telemetryFrame.flags.offset, part.flags, true)
          telemetry.publish(new Uint8Array(frame.buffer))
        },
        /** Undefined before the first. */
        scalar: () =>
          scalar.read(new Uint8Array(value.buffer)) === 0n
            ? undefined
            : value.getFloat32(safeScalar.ffb_scalar.offset, true),
        [Symbol.dispose]() {
          telemetry.close()
          scalar.close()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await runner.close()
      await rm(shmDir, { recursive: true })
    },
  }
}

const find = (runner: Runner, id: string): SafePlugin | undefined => runner.list().find((plugin) => plugin.id === id)
const executions = (runner: Runner, id: string): number => Number(find(runner, id)?.statistics?.executions ?? 0n)

/** Loops for ever once its frame says so: in the fifth call of an instance. */
const loopsInFifthCall: GuestModule = {
  process: [
    ...[...op.parameter(2), ...op.loadI32(0), ...op.i32(5), 0x46, 0x04, 0x40], // frame_number == 5, if
    ...op.loopForever,
    ...[0x0b, ...op.i32(0)],
  ],
}

test('each plugin has the ticks of its rate, done or counted as missed', async () => {
  await using it = await rig()
  const rates = [60, 100, 200]
  const specs = await Promise.all(rates.map((rateHz) => it.specOf(guestModule(), { rateHz })))
  for (const spec of specs) assert.equal(await it.runner.load(spec), 'openracing-sdk-1')
  // On a machine that is busy elsewhere ticks are missed. They are counted, so the sum is the schedule's whatever happens.
  const scheduled = (id: string): number =>
    executions(it.runner, id) + Number(find(it.runner, id)?.statistics?.missedDeadlines)
  const counts = (): number[] => specs.map(({ id }) => scheduled(id))
  await until('the first tick', () => counts().every((count) => count > 0))
  const [before, beganMs] = [counts(), performance.now()]
  await until('four hundred ticks', () => counts()[2]! >= before[2]! + 400)
  const seconds = (performance.now() - beganMs) / 1000
  counts().forEach((count, index) => {
    const measuredHz = (count - before[index]!) / seconds
    // 5 % for the rate, and at either end a pause whose ticks are counted only when it is over.
    const allowedHz = rates[index]! * (0.05 + 0.2 / seconds)
    assert.ok(Math.abs(measuredHz - rates[index]!) < allowedHz, `${measuredHz} Hz in place of ${rates[index]} Hz`)
  })
})

test('a plugin that traps waits, is started again, and its neighbour does not notice', async () => {
  await using it = await rig()
  const trapping = await it.specOf(guestModule({ process: op.trap }))
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  await it.runner.load(trapping)
  await until('a second restart', () => find(it.runner, trapping.id)!.statistics!.restarts >= 2)
  const { state, detail, statistics } = find(it.runner, trapping.id)!
  if (state === PLUGIN_STATE_WAITING) assert.match(detail, /process trapped: unreachable; it is started again after/)
  assert.equal(statistics!.executions, 0n)
  assert.ok(statistics!.failures >= 2n)
  assert.equal(find(it.runner, neighbour.id)?.state, PLUGIN_STATE_RUNNING)
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 0)
})

const violationsOf = (runner: Runner, id: string) =>
  find(runner, id)!.violations.map(({ kind, count, detail }) => ({ kind, count, detail }))

test('a plugin that loops runs out of fuel or time and is charged with it; its neighbour stays where it is', async (context) => {
  await using it = await rig()
  const looping = await it.specOf(guestModule(loopsInFifthCall), { budgetUs: 1000 })
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  await it.runner.load(looping)
  const strikes = (): number => Number(find(it.runner, looping.id)?.statistics?.failures)
  const missed = (): number => Number(find(it.runner, neighbour.id)?.statistics?.missedDeadlines)

  await until('its first loop', () => strikes() === 1)
  const { state, detail, statistics } = find(it.runner, looping.id)!
  assert.equal(state, PLUGIN_STATE_WAITING)
  assert.match(detail, /^process (ran out of fuel|was interrupted): .*; it is started again after 100 ms$/)
  assert.equal(statistics?.budgetViolations, 1n)
  const budget = violationsOf(it.runner, looping.id).find(({ kind }) => kind === VIOLATION_KIND_BUDGET)
  assert.match(budget!.detail, /^process (ran out of fuel|was interrupted): /)

  // A busy machine loses ticks at any time. Those that a loop costs are lost at each: it is enough that once none was.
  const lost: number[] = []
  do {
    await it.runner.load(looping)
    const before = missed()
    await until('it loops again', () => strikes() > 0)
    const ticks = executions(it.runner, neighbour.id)
    await until('the neighbour ticks on', () => executions(it.runner, neighbour.id) > ticks)
    lost.push(missed() - before)
  } while (lost.at(-1)! > 1 && lost.length < 100)
  context.diagnostic(`ticks that the neighbour lost while it looped: ${lost.join(', ')}`)
  assert.ok(lost.at(-1)! <= 1)
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 0)
  assert.ok(!it.lines.some((line) => line.includes('the executor is replaced')))
})

/** Answers how often it was called, as a force of thousandths. */
const counts: GuestModule = {
  process: [
    ...[...op.i32(512), ...op.i32(512), ...op.loadI32(0), ...op.i32(1), ...op.add, ...op.storeI32(0)],
    ...[...op.parameter(1), ...op.i32(512), ...op.loadI32(0), ...op.toF32, ...op.f32(1000), ...op.divideF32],
    ...[...op.storeF32(telemetryFrame.ffb_scalar.offset), ...op.i32(1)],
  ],
}

test('a plugin that loops again and again is interrupted each time, and its neighbour keeps its state', async () => {
  await using it = await rig(onlyGuarded)
  using cells = it.cells()
  const looping = await it.specOf(guestModule(loopsInFifthCall), { budgetUs: 1000, capabilities: ['ReadTelemetry'] })
  const neighbour = await it.specOf(guestModule(counts))
  cells.publish({ flags: 0 })
  await it.runner.load(neighbour)
  await it.runner.load(looping)
  const strikes = (): number => Number(find(it.runner, looping.id)?.statistics?.failures)
  await until('its second loop', () => strikes() >= 2)
  const { violations, statistics } = find(it.runner, looping.id)!
  const evidence = /^process was interrupted: it ran for \d+ µs, and may run for 1000 µs$/
  assert.ok(violations.some(({ kind, detail }) => kind === VIOLATION_KIND_BUDGET && evidence.test(detail)))
  assert.ok(statistics!.budgetViolations >= 2n)
  const before = executions(it.runner, neighbour.id)
  const counted = cells.scalar()!
  assert.ok(counted > 0)
  await until('the neighbour ticks on', () => executions(it.runner, neighbour.id) > before)
  // A new instance would count from one again.
  await until('it counts on', () => cells.scalar()! > counted)
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 0)
  assert.ok(!it.lines.some((line) => line.includes('the executor is replaced')))
})

test('a plugin that may use files runs on the thread of the suspects, and no neighbour waits for it', async () => {
  await using it = await rig(onlyWatched)
  const fileSystem = [{ name: '/data', path: it.shmDir, access: 'read' } as const]
  const stuck = await it.specOf(guestModule(loopsInFifthCall), { fileSystem })
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  await it.runner.load(stuck)
  await until('the watchdog', () => find(it.runner, stuck.id)?.state === PLUGIN_STATE_WAITING)
  const replaced = it.lines.filter((line) => line.includes('the executor is replaced'))
  assert.deepEqual(
    replaced.map((line) => (JSON.parse(line) as { thread: string }).thread),
    ['suspects'],
  )
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 0)
})

test('a plugin that does not return is ended with its thread, and a warm one takes over its neighbour', async (context) => {
  await using it = await rig(onlyWatched)
  const looping = await it.specOf(guestModule(loopsInFifthCall))
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  const warm = (): number => it.lines.filter((line) => line.includes('an executor is warm')).length
  await until('a second one is warm', () => warm() === 2)
  await it.runner.load(looping)
  await until('the watchdog', () => find(it.runner, looping.id)?.state === PLUGIN_STATE_WAITING)
  const { detail, statistics } = find(it.runner, looping.id)!
  assert.match(detail, /it did not return within 1000 ms; it is started again after 100 ms/)
  assert.equal(statistics?.failures, 1n)
  assert.deepEqual(violationsOf(it.runner, looping.id), [
    { kind: VIOLATION_KIND_TIMEOUT, count: 1n, detail: 'it did not return within 1000 ms' },
  ])
  const before = executions(it.runner, neighbour.id)
  await until('the neighbour ticks again', () => executions(it.runner, neighbour.id) > before)
  const line = it.lines.find((each) => each.includes('another executor has taken over'))
  context.diagnostic(
    `the other thread took over within ${(JSON.parse(line!) as { tookMs: number }).tookMs.toFixed(2)} ms`,
  )
  assert.equal(find(it.runner, neighbour.id)?.statistics?.failures, 0n)
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 1)
  await until('the looping plugin is started again', () => executions(it.runner, looping.id) > 4)
})

test('a plugin that does not return again and again costs its neighbour one pause, and no second one', async () => {
  await using it = await rig(onlyWatched)
  const looping = await it.specOf(guestModule(loopsInFifthCall))
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  await it.runner.load(looping)
  await until('the third time', () => (find(it.runner, looping.id)?.statistics?.failures ?? 0n) >= 3n)
  const { restarts, failures } = find(it.runner, neighbour.id)!.statistics!
  assert.deepEqual([restarts, failures], [1, 0n])
})

/** Loops for ever while the first flag is set in the telemetry, and otherwise answers 0.25. */
const loopsUnderYellow: GuestModule = {
  process: [
    ...[...op.parameter(1), ...op.loadI32(telemetryFrame.flags.offset), 0x04, 0x40, ...op.loopForever, 0x0b], // if
    ...[...op.parameter(1), ...op.f32(0.25), ...op.storeF32(telemetryFrame.ffb_scalar.offset), ...op.i32(1)],
  ],
}

test('a plugin that was caught once still moves the wheel, and can be replaced and unloaded', async () => {
  await using it = await rig(onlyWatched)
  using cells = it.cells()
  const suspect = await it.specOf(guestModule(loopsUnderYellow))
  cells.publish({ flags: 1 })
  await it.runner.load(suspect)
  await until('the watchdog', () => find(it.runner, suspect.id)?.state === PLUGIN_STATE_WAITING)
  assert.equal(cells.scalar(), undefined)
  cells.publish({ flags: 0 })
  await until('its force', () => cells.scalar() === 0.25)
  await it.runner.load(await it.specOf(guestModule(), { id: suspect.id }))
  await until('its replacement ticks', () => executions(it.runner, suspect.id) > 0)
  await until('its force has left', () => cells.scalar() === 0.5)
  await it.runner.load(suspect)
  await until('its force is back', () => cells.scalar() === 0.25)
  await it.runner.unload(suspect.id)
  assert.deepEqual(it.runner.list(), [])
})

test('a plugin that takes many times its budget for each tick runs where no neighbour waits for it', async () => {
  await using it = await rig(onlyWatched)
  const slow = await it.specOf(guestModule({ process: [...op.busy(150_000_000), ...op.i32(0)] }))
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(neighbour)
  await it.runner.load(slow)
  await until('its eviction', () => find(it.runner, slow.id)?.statistics?.failures === 1n)
  const counts = (): number[] => [slow, neighbour].map(({ id }) => executions(it.runner, id))
  const before = counts()
  await until('ticks of the slow one', () => counts()[0]! >= before[0]! + 4)
  const [slowTicks, ticks] = counts().map((count, index) => count - before[index]!)
  // On one thread each waits for the other: as many ticks of the one as of the other.
  assert.ok(ticks! > 4 * slowTicks!, `${ticks} ticks beside ${slowTicks}`)
  assert.equal(find(it.runner, neighbour.id)?.statistics?.restarts, 0)
})

test('a plugin that loops while it is loaded is refused, and the one that it should replace goes on', async () => {
  await using it = await rig()
  const good = await it.specOf(guestModule())
  await it.runner.load(good)
  const looping = await it.specOf(guestModule({ initialize: [...op.loopForever, ...op.i32(0)] }), { id: good.id })
  await assert.rejects(
    it.runner.load(looping),
    (cause) =>
      cause instanceof RigError &&
      cause.code === 'PLUGIN_FAILED' &&
      /initialize (ran out of fuel|was interrupted)/.test(cause.message),
  )
  const before = executions(it.runner, good.id)
  await until('the old one ticks', () => executions(it.runner, good.id) > before)
  assert.equal(it.runner.list().length, 1)
})

test('a plugin that loops while it is unloaded is gone all the same', async () => {
  await using it = await rig()
  const looping = await it.specOf(guestModule({ shutdown: [...op.loopForever, ...op.i32(0)] }))
  const neighbour = await it.specOf(guestModule())
  await it.runner.load(looping)
  await it.runner.load(neighbour)
  await it.runner.unload(looping.id)
  assert.deepEqual(
    it.runner.list().map(({ id }) => id),
    [neighbour.id],
  )
  const before = executions(it.runner, neighbour.id)
  await until('the neighbour ticks', () => executions(it.runner, neighbour.id) > before)
})

test('a plugin that is loaded again begins to count anew, and only the new one runs', async () => {
  await using it = await rig()
  const old = await it.specOf(guestModule({ process: op.i32(-1) }))
  await it.runner.load(old)
  await until('the old one fails', () => (find(it.runner, old.id)?.statistics?.failures ?? 0n) > 0n)
  await it.runner.load(await it.specOf(guestModule(), { id: old.id }))
  await until('the new one ticks', () => executions(it.runner, old.id) > 10)
  assert.equal(find(it.runner, old.id)?.statistics?.failures, 0n)
  assert.equal(it.runner.list().length, 1)
})

test('a plugin that waits for its restart can be replaced and unloaded', async () => {
  await using it = await rig()
  const trapping = await it.specOf(guestModule({ process: op.trap }))
  await it.runner.load(trapping)
  await until('the trap', () => find(it.runner, trapping.id)?.state === PLUGIN_STATE_WAITING)
  await it.runner.load(await it.specOf(guestModule(), { id: trapping.id }))
  await until('the new one ticks', () => executions(it.runner, trapping.id) > 50)
  assert.equal(find(it.runner, trapping.id)?.statistics?.failures, 0n)
  await it.runner.unload(trapping.id)
  await it.runner.unload(trapping.id)
  assert.deepEqual(it.runner.list(), [])
})

test('other bytes than the verified ones do not run', async () => {
  await using it = await rig()
  const spec = await it.specOf(guestModule(), { sha256: 'f'.repeat(64) })
  await assert.rejects(it.runner.load(spec), (cause) => cause instanceof RigError && cause.code === 'PLUGIN_UNTRUSTED')
  assert.deepEqual(it.runner.list(), [])
})

test('a plugin without the grant for its operation is loaded, not called, and says why', async () => {
  await using it = await rig()
  const spec = await it.specOf(guestModule(), { capabilities: ['ReadTelemetry'], operations: ['LedMapper'] })
  await it.runner.load(spec)
  assert.equal(find(it.runner, spec.id)?.detail, 'LedMapper is not run: ControlLeds is not granted')
})

test('the force, the CPU time and the fuel of a plugin arrive where the rig reads them', async () => {
  await using it = await rig()
  const process = [...op.parameter(1), ...op.f32(0.75), ...op.storeF32(16), ...op.i32(1)]
  const spec = await it.specOf(guestModule({ process }))
  const telemetry = openLatest(join(it.shmDir, 'telemetry'), 256)
  telemetry.publish(new Uint8Array(256))
  await it.runner.load(spec)
  const scalar = openLatest(join(it.shmDir, 'scalar'), 16)
  const value = new Uint8Array(16)
  await until('a scalar', () => scalar.read(value) > 0n)
  assert.equal(new DataView(value.buffer).getFloat32(8, true), 0.75)
  const ageNs = globalThis.process.hrtime.bigint() - new DataView(value.buffer).getBigUint64(0, true)
  assert.ok(ageNs >= 0n && ageNs < 10_000_000_000n)
  await until('a count', () => executions(it.runner, spec.id) > 0)
  const { cpu, fuel } = find(it.runner, spec.id)!.statistics!
  assert.ok(cpu!.maxNs > 0n && cpu!.buckets.length > 0)
  // local.get, f32.const, f32.store, i32.const
  assert.deepEqual(fuel, { last: 4n, most: 4n, mean: 4 })
  telemetry.close()
  scalar.close()
})

test('what a plugin writes to its log names the plugin', async () => {
  await using it = await rig()
  const text = { module: 'env', name: 'log_info', parameters: ['i32', 'i32'], results: [] } as const
  const initialize = [...op.i32(64), ...op.i32(5), ...op.call(0), ...op.i32(0)]
  const spec = await it.specOf(guestModule({ imports: [text], initialize, data: 'hello' }))
  await it.runner.load(spec)
  await until('the line', () => it.lines.some((line) => line.includes('"hello"') && line.includes(spec.id)))
})

test('a rig whose shared memory belongs to another version is refused with a remedy', async () => {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  await writeFile(join(shmDir, 'telemetry'), 'x'.repeat(4096))
  const log = pino({ level: 'silent' })
  await assert.rejects(
    startRunner({ shmDir, ledCount: 15, log, guestLog: log }),
    (cause) => cause instanceof RigError && cause.code === 'SHARED_MEMORY_INVALID' && /remove it/.test(cause.message),
  )
  await rm(shmDir, { recursive: true })
})

test('a raw plugin has its part in the force, and without the grant what it returns is dropped', async () => {
  const bytes = wasmOf(`(module (memory (export "memory") 1)
    (func (export "process") (param f32 f32) (result f32) (f32.mul (local.get 0) (f32.const 1.5))))`)
  await using it = await rig()
  using cells = it.cells()
  cells.publish({ flags: 0 })
  const blind = await it.specOf(bytes, { capabilities: ['ReadTelemetry'] })
  assert.equal(await it.runner.load(blind), 'openracing-env-1')
  await until('it ticks', () => executions(it.runner, blind.id) > 0)
  assert.equal(cells.scalar(), undefined)
  const seeing = await it.specOf(bytes)
  await it.runner.load(seeing)
  await until('its answer is in the cell', () => cells.scalar() === 0.75)
  const leds = await it.specOf(bytes, { operations: ['TelemetryProcessor', 'LedMapper'] })
  await assert.rejects(it.runner.load(leds), /PLUGIN_INVALID: .*take LedMapper out of its operations/)
})

const { PLUGIN_STATE_LOADED, PLUGIN_STATE_THROTTLED } = PluginState
const termsOf = (spec: PluginSpec, part: Partial<PluginTerms> = {}): PluginTerms => ({
  ...firstTerms({ ...spec, initialRateHz: spec.rateHz }),
  ...part,
})

test('a plugin is slowed down, stopped and sped up while it runs, and its neighbour misses nothing of it', async () => {
  await using it = await rig()
  const spec = await it.specOf(guestModule(), { rateHz: 200 })
  const neighbour = await it.specOf(guestModule(), { rateHz: 200 })
  await it.runner.load(spec)
  await it.runner.load(neighbour)
  const adjust = async (part: Partial<PluginTerms>) => {
    await it.runner.adjust(spec.id, termsOf(spec, part))
    const { state, detail, statistics } = find(it.runner, spec.id)!
    return { state, detail, count: Number(statistics?.executions) }
  }
  const neighbourTicks = (count: number) => {
    const before = executions(it.runner, neighbour.id)
    return until('ticks of the neighbour', () => executions(it.runner, neighbour.id) >= before + count)
  }

  const slow = await adjust({ rateHz: 50 })
  assert.deepEqual(
    [slow.state, slow.detail],
    [PLUGIN_STATE_THROTTLED, 'it is called at 50 Hz, and its own rate is 200 Hz'],
  )
  await neighbourTicks(100)
  const stopped = await adjust({ rateHz: 0 })
  assert.deepEqual([stopped.state, stopped.detail], [PLUGIN_STATE_LOADED, 'it is not called'])
  assert.ok(stopped.count - slow.count < 50, 'a quarter of a hundred, and what a busy machine kept from the neighbour')
  await neighbourTicks(20)
  assert.equal(executions(it.runner, spec.id), stopped.count, 'whatever ran before the terms were in force is counted')
  assert.equal((await adjust({})).state, PLUGIN_STATE_RUNNING)
  await until('a tick', () => executions(it.runner, spec.id) > stopped.count)
  assert.equal(find(it.runner, spec.id)?.statistics?.restarts, 0)
})

test('a plugin that waits for its restart has its new terms when it is started again', async () => {
  await using it = await rig()
  const spec = await it.specOf(guestModule({ process: op.trap }))
  await it.runner.load(spec)
  await until('it traps', () => find(it.runner, spec.id)?.state === PLUGIN_STATE_WAITING)
  await it.runner.adjust(spec.id, termsOf(spec, { rateHz: 0 }))
  await until('it is there again', () => find(it.runner, spec.id)?.state === PLUGIN_STATE_LOADED)
  assert.equal(find(it.runner, spec.id)?.statistics?.restarts, 1)
})

test('a plugin that moves with its thread takes its terms with it', async () => {
  await using it = await rig(onlyWatched)
  const spec = await it.specOf(guestModule())
  const looping = await it.specOf(guestModule(loopsInFifthCall))
  await it.runner.load(spec)
  await it.runner.adjust(spec.id, termsOf(spec, { rateHz: 0 }))
  const count = executions(it.runner, spec.id)
  await it.runner.load(looping)
  await until('it has moved', () => (find(it.runner, spec.id)?.statistics?.restarts ?? 0) > 0)
  assert.equal(find(it.runner, spec.id)?.state, PLUGIN_STATE_LOADED)
  assert.equal(executions(it.runner, spec.id), count)
})

test('terms are refused for a plugin that is not loaded, and bad ones for one that is, which runs on as it did', async () => {
  await using it = await rig()
  const spec = await it.specOf(guestModule(), { initialRateHz: 0 })
  const refusedWith = (code: string) => (cause: unknown) => cause instanceof RigError && cause.code === code
  await assert.rejects(it.runner.adjust(spec.id, termsOf(spec)), refusedWith('PLUGIN_UNKNOWN'))
  await it.runner.load(spec)
  assert.equal(find(it.runner, spec.id)?.state, PLUGIN_STATE_LOADED)
  await assert.rejects(
    it.runner.adjust(spec.id, termsOf(spec, { network: ['a.test'] })),
    refusedWith('REQUEST_INVALID'),
  )
  assert.equal(find(it.runner, spec.id)?.state, PLUGIN_STATE_LOADED)
})
