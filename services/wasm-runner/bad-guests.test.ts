import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { FailureCode } from '../../rpc/failure.ts'
import { until } from '../../test/until.ts'
import { buildWasmPlugin, wasmVices } from '../../test/wasm-plugin.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { startRunner } from './runner.ts'
import { guestModule } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'

type Charge = 'crash' | 'budget' | 'memory'

/** What becomes of a module. */
interface Fate {
  /** It is refused, with this code and sentence. */
  readonly refused?: readonly [FailureCode, RegExp]
  /** It is charged with this, with this evidence. */
  readonly charged?: readonly [Charge | readonly Charge[], RegExp]
  /** It ticks, and none of its ticks fails. */
  readonly runs?: true
  /** It ticks, and all of its ticks fail. */
  readonly fails?: true
  readonly spec?: Partial<PluginSpec>
}

const crash = (evidence: RegExp): Fate => ({ charged: ['crash', evidence] })
const trap = (name: string): Fate => crash(new RegExp(`^process trapped: ${name}$`))
/** Its fuel ends it or the guard, whichever is first: that depends on what the machine takes for its instructions. */
const outOfFuel: Fate = {
  charged: ['budget', /^process (ran out of fuel: it was given \d+ instructions|was interrupted: .*)$/],
}
const invalid = (sentence: RegExp): Fate => ({ refused: ['PLUGIN_INVALID', sentence] })
const failed = (sentence: RegExp): Fate => ({ refused: ['PLUGIN_FAILED', sentence] })
/** It fills the heap, or is ended before for the time that it takes for that: on a machine that is busy. */
const fillsHeap: Fate = {
  charged: [
    ['memory', 'budget'],
    /^the objects of all plugins had more than 512 MiB while it ran$|^process (was interrupted: |ran out of fuel: )/,
  ],
}
const runs: Fate = { runs: true }
const fails: Fate = { fails: true }

/** What takes long to compile is too slow for the deadline on a machine that is busy elsewhere. */
const tooSlow = /the module was not compiled within 8000 ms; build it smaller, and of smaller functions$/
const runsOrTooSlow: Fate = { runs: true, ...invalid(tooSlow) }

const vices: Readonly<Record<string, Fate>> = {
  loops: outOfFuel,
  'loops-in-initialize': failed(/did not start \(initialize (ran out of fuel|was interrupted): .*\); ask/),
  'loops-in-start': failed(/did not start \(its start function (ran out of fuel|was interrupted): .*\); ask/),
  'traps-in-start': failed(/did not start \(its start function trapped: unreachable\); ask its author$/),
  recurses: trap('stack overflow'),
  'recurses-in-tails': outOfFuel,
  'grows-memory': runs,
  'grows-table': runs,
  'grows-by-nothing': outOfFuel,
  'begins-with-too-much-memory': invalid(/asks for at least 257 pages of memory, and may have 256; build it for less/),
  'begins-with-too-large-table': invalid(
    /asks for at least 10001 table elements, and may have 10000; build it for less/,
  ),
  'fills-memory': outOfFuel,
  'fills-heap': fillsHeap,
  'keeps-exceptions': fillsHeap,
  'makes-objects': runs,
  traps: trap('unreachable'),
  'divides-by-zero': trap('divide by zero'),
  overflows: trap('divide result unrepresentable'),
  'truncates-nan': trap('float unrepresentable in integer range'),
  'reads-outside': trap('memory access out of bounds'),
  'copies-outside': trap('memory access out of bounds'),
  'calls-null': trap('.*null function.*'),
  'calls-another-type': trap('.*function signature mismatch'),
  'calls-outside-table': trap('table index is out of bounds'),
  waits: trap('Atomics.wait cannot be called in this context'),
  throws: trap('it threw an exception that nobody caught'),
  'catches-everything': outOfFuel,
  'claims-the-fuel': outOfFuel,
  'returns-an-error': fails,
  'answers-not-a-number': fails,
  'allocates-outside': failed(/alloc\(2\) returned 4294967280, which is not inside its memory\); ask its author$/),
  'places-data-outside': failed(/it cannot be instantiated: .*data segment 0 is out of bounds.*\); ask its author$/),
  'process-of-another-signature': invalid(
    /matches no ABI: it exports .*process \(f32\) -> f32.*; openracing-sdk-1 needs/,
  ),
  'import-of-another-signature': invalid(
    /imports env.get_timestamp_us as \(\) -> i32; the host has it as \(\) -> i64$/,
  ),
  'imports-what-is-not-there': invalid(/imports env.system, which the host does not have; it has log_debug, /),
  'imports-memory': invalid(/imports env.memory, which the host does not have/),
  'shares-memory': invalid(/the memory of the module is shared or 64-bit; build it with a plain one$/),
  'has-no-memory': invalid(/matches no ABI: .*; openracing-sdk-1 needs memory/),
  'points-outside': runs,
  'writes-no-text': runs,
  'floods-log': runs,
  'calls-the-host-for-ever': outOfFuel,
  'calls-on-without-fuel': { ...outOfFuel, spec: { budgetUs: 100 } },
  'fifty-megabytes': runsOrTooSlow,
  'seventy-megabytes': invalid(/has \d+ bytes, more than the 67108864 that a module may have; build it for size$/),
  'hundred-thousand-functions': runsOrTooSlow,
  'ten-megabytes-of-data': runs,
  'exports-too-much': invalid(/the module has 300006 exports, and may have 1000; build it of less$/),
  'sets-too-many-elements': invalid(/has 30000 table elements that are set at the start, and may have 20000; build/),
  'exports-escapes': invalid(/exports memory; \\x1b\[2J\\x1b\]0;pwned\\x07 \\u\{202e\} evil\\x0aline \(\) ->;/),
  'has-a-slow-function': invalid(/has 40000 locals in \d+ bytes of code, whose product is more than 2000000000; build/),
  'compiles-for-a-minute': invalid(tooSlow),
  'is-no-module': invalid(
    /the module is not WebAssembly that can run here \(expected magic word .*\); build it again$/,
  ),
}

test('every module of test/plugins/wasm has its test', () => {
  assert.deepEqual(Object.keys(vices).toSorted(), wasmVices().toSorted())
})

/** A runner with a neighbour that does nothing, and a place for one module after another. */
async function rig() {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const runner = await startRunner({ shmDir, ledCount: 15, log, guestLog: log })
  const placed = async (bytes: Uint8Array, part: Partial<PluginSpec> = {}): Promise<PluginSpec> => {
    const path = join(shmDir, 'plugin.wasm')
    await writeFile(path, bytes)
    return specOf({ path, sha256: createHash('sha256').update(bytes).digest('hex'), ...part })
  }
  const neighbour = await placed(guestModule())
  await runner.load(neighbour)
  const find = (id: string): SafePlugin => runner.list().find((plugin) => plugin.id === id)!
  return {
    runner,
    lines,
    placed,
    find,
    neighbour: () => find(neighbour.id),
    async [Symbol.asyncDispose]() {
      await runner.close()
      await rm(shmDir, { recursive: true })
    },
  }
}
type Rig = Awaited<ReturnType<typeof rig>>

const kindOf = (charge: Charge): ViolationKind =>
  ViolationKind[`VIOLATION_KIND_${charge.toUpperCase()}` as keyof typeof ViolationKind]
const executions = ({ statistics }: SafePlugin): bigint => statistics?.executions ?? 0n
const failures = ({ statistics }: SafePlugin): bigint => statistics?.failures ?? 0n

/** Waits for what the module is charged with, or for ticks of it. */
async function observe({ find }: Rig, id: string, { charged, fails }: Fate): Promise<void> {
  if (charged === undefined) {
    const { ticks, failed } = await until('it ticks', () => {
      const plugin = find(id)
      return executions(plugin) > 20n && { ticks: executions(plugin), failed: failures(plugin) }
    })
    assert.equal(failed, fails ? ticks : 0n)
    return
  }
  const [of, evidence] = charged
  const kinds = [of].flat().map(kindOf)
  const violation = await until(`it is charged with ${[of].flat().join(' or ')}`, () => {
    const { violations } = find(id)
    // A busy machine may well make a tick long that was none: that is charged as well, and is not what is looked for.
    return violations.find(({ kind, detail }) => kinds.includes(kind) && evidence.test(detail))
  })
  assert.ok(violation.count >= 1n && violation.lastTimeUnixUs > 0n)
}

/** The neighbour goes on, and is charged with nothing but what a busy machine makes of a tick. */
async function neighbourGoesOn(it: Rig, since: SafePlugin): Promise<void> {
  const now = await until('the neighbour ticks on', () => {
    const now = it.neighbour()
    return executions(now) > executions(since) && now
  })
  assert.equal(failures(now), 0n)
  const charged = now.violations.filter(({ kind }) => kind !== ViolationKind.VIOLATION_KIND_BUDGET)
  assert.deepEqual(charged, [])
  assert.equal(now.statistics?.restarts, since.statistics?.restarts)
}

test('one module with a vice after another shares an executor with a neighbour', async (context) => {
  await using it = await rig()
  for (const [name, fate] of Object.entries(vices)) {
    const { refused, charged, runs: mayRun, fails: mayFail } = fate
    const expected =
      refused?.[0] ?? (charged && [charged[0]].flat().join(' or ')) ?? (mayFail ? 'each tick a failure' : 'no failure')
    await context.test(`${name}: ${expected}, and its neighbour goes on`, async () => {
      const spec = await it.placed(await buildWasmPlugin(name), fate.spec)
      const before = it.neighbour()
      const refusal = await it.runner.load(spec).then(
        () => undefined,
        (cause: { readonly code: unknown; readonly message: string }) => cause,
      )
      if (refusal === undefined) {
        assert.ok(mayRun || mayFail || charged, 'it was loaded')
        await observe(it, spec.id, fate)
      } else {
        const [code, sentence] = refused ?? ['none', /none/]
        assert.equal(refusal.code, code, refusal.message)
        assert.match(refusal.message, sentence)
        assert.ok(!it.runner.list().some(({ id }) => id === spec.id))
      }
      await neighbourGoesOn(it, before)
      await it.runner.unload(spec.id)
    })
  }
  const flood = it.lines.filter((line) => line.includes('"msg":"flood"')).length
  assert.ok(flood >= 20 && flood < 1000, `${flood} lines of what wrote a thousand in each tick`)
  const isWritten = (text: string): boolean => it.lines.some((line) => line.includes(text))
  assert.ok(isWritten('lines of this plugin were dropped: it writes too many'))
  assert.ok(isWritten('"msg":"has fuel"') && !isWritten('is heard'), 'who has no fuel is not heard')
  const replaced = it.lines.filter((line) => line.includes('the executor is replaced'))
  assert.ok(
    replaced.every((line) => line.includes('"thread":"suspects"')),
    'the common thread is the first one',
  )
})
