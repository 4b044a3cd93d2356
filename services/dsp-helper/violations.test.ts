import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginPhase, type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { type LoopRecord, recordLoop, type Tick } from '../../test/loop-record.ts'
import { buildNativePlugin, fastPlugin, pluginSources } from '../../test/native-plugin.ts'
import { limits, near, type PlaneUnderTest, pluginOf, startPlane, torqueNm } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import type { violationKinds } from './conduct.ts'

const {
  PLUGIN_PHASE_CREATING: creating,
  PLUGIN_PHASE_LOADING: loading,
  PLUGIN_PHASE_PROCESSING: processing,
  PLUGIN_PHASE_UNSPECIFIED: unknown,
} = PluginPhase
type Word = (typeof violationKinds)[number]
const kind = (word: Word): ViolationKind =>
  ViolationKind[`VIOLATION_KIND_${word.toUpperCase().replace('-', '_')}` as keyof typeof ViolationKind]

const found = (plugin: FastPlugin, word: Word): Violation | undefined =>
  plugin.violations.find((violation) => violation.kind === kind(word))

/** What a library does, what that is called, and the evidence. */
interface Vice {
  readonly name: string
  readonly charged: readonly Word[]
  /** Undefined where it depends on who looks first. */
  readonly phase: PluginPhase | undefined
  readonly evidence: RegExp
}

const vice = (name: string, charged: Word | readonly Word[], phase: Vice['phase'], evidence: RegExp): Vice => ({
  name,
  charged: typeof charged === 'string' ? [charged] : charged,
  phase,
  evidence,
})

/** Of a call to the kernel that its sandbox forbids. */
const forbidden = (name: string, phase: PluginPhase, calls: string): Vice =>
  vice(name, 'capability', phase, new RegExp(`^it called (${calls})\\(\\), which its sandbox forbids, at \\w+\\+0x`))

const crash = (name: string, phase: PluginPhase, evidence: RegExp): Vice => vice(name, 'crash', phase, evidence)

const vices: readonly Vice[] = [
  crash(
    'crashes',
    processing,
    /SIGSEGV at process\+0x[0-9a-f]+, which used the address 0x8, during process\(\) of frame \d+$/,
  ),
  crash('aborts', processing, /SIGABRT at process\+/),
  crash('divides-by-zero', processing, /SIGFPE at process\+/),
  crash('recurses', processing, /SIGSEGV at deeper\+/),
  crash('changes-signals', processing, /SIGSEGV at process\+/),
  crash('crashes-in-create', creating, /SIGSEGV at .* during create\(\)$/),
  crash('crashes-in-constructor', loading, /SIGSEGV at .* while it was loaded$/),
  forbidden('exits', processing, 'exit_group'),
  forbidden('opens-socket', processing, 'socket'),
  forbidden('forks', processing, 'clone3?|fork'),
  forbidden('execs', processing, 'execve'),
  forbidden('sleeps', processing, '(clock_)?nanosleep'),
  forbidden('reads-passwd', processing, 'open(at)?'),
  forbidden('writes-file', processing, 'open(at)?'),
  forbidden('writes-file-in-create', creating, 'open(at)?'),
  forbidden('truncates', processing, 'open(at)?'), // it does not come as far as truncate()
  forbidden('spawns-thread', creating, 'clone3?'),
  forbidden('changes-signals-late', processing, 'rt_sigaction'),
  forbidden('changes-scheduling', processing, 'sched_setscheduler'),
  forbidden('maps-shared', creating, 'mmap'),
  forbidden('maps-stack', creating, 'mmap'),
  forbidden('maps-late', processing, 'mmap'),
  vice('never-returns', 'timeout', processing, /did not return within \d+ ms/),
  vice('waits-for-nobody', 'timeout', processing, /did not return within \d+ ms/),
  vice('spins-in-create', 'timeout', creating, /did not return within \d+ ms of CPU time|was not ready within 5000 ms/),
  vice('creates-never', 'timeout', creating, /^it was not ready within 5000 ms$/),
  // What it tells and answers is in memory of its own since: the last that anybody heard of is create().
  vice('maps-over-segment', 'timeout', creating, /^process\(\) did not return within \d+ ms: it blocks$/),
  vice('allocates-too-much', 'memory', unknown, /^it was refused memory at its limit of 4194304 bytes$/),
  vice('leaks', 'memory', unknown, /^it was refused memory at its limit of 4194304 bytes$/),
  vice('fails', 'result', processing, /^process\(\) returned .*, not 0$/),
  vice('not-finite', 'not-finite', processing, /not finite$/),
  vice('infinite', 'not-finite', processing, /not finite$/),
  // Whoever looks first says it: the loop, that the counter is impossible, or its own process, that it cannot go on.
  vice(
    'forges-input',
    'protocol',
    processing,
    /^it destroyed its input ring: a count there became 0x\w+ during process\(\) of/,
  ),
  vice('usurps-readiness', 'protocol', unknown, /^its process \d+ said that it is ready before its fence was shut$/),
  vice(
    'lies-about-time',
    'budget',
    undefined,
    /^its process used \d+ ms of CPU time in \d+ ms, for \d+ frames of 200 µs, and told of no call that took longer$/,
  ),
  // The timer of its own process may still reach it.
  vice(
    'answers-itself',
    ['budget', 'timeout'],
    undefined,
    /^its process used \d+ ms of CPU time in \d+ ms, for \d+ frames of 200 µs, and told of no call|did not return within/,
  ),
  vice(
    'answers-early',
    'protocol',
    undefined,
    /^it wrote an impossible counter, or an answer that nobody asked for, into the ring|^it destroyed its output ring/,
  ),
  // These the loop may see first, whose word counts if the process gets no further.
  vice(
    'overwrites-counters',
    'protocol',
    processing,
    /^it destroyed its output ring: a count there became 0x1\w{5} during|^it wrote an impossible counter/,
  ),
  vice(
    'scribbles',
    'protocol',
    processing,
    /^it destroyed its input ring: a count there became 0x(a5){8} during|^it wrote an impossible counter/,
  ),
]

/** What is in the directory and no vice in the sense of this table: the file that has its test, and the test. */
const elsewhere: Readonly<Record<string, readonly [file: string, test: string]>> = {
  inverts: ['services/dsp-helper/violations.test.ts', 'its neighbour with nothing'],
  'allocates-in-process': ['services/dsp-helper/violations.test.ts', 'a finding, and no violation'],
  'maps-too-much': ['services/dsp-helper/memory.test.ts', 'memory that a plugin maps by itself'],
  offsets: ['services/dsp-helper/continuity.test.ts', 'every change of the chain is led over'],
  'other-abi': ['services/dsp-helper/data-plane.test.ts', 'a library for another ABI version is refused by its number'],
  'no-entry-point': ['services/dsp-helper/data-plane.test.ts', 'a library that is no plugin'],
  'creates-nothing': ['services/dsp-helper/data-plane.test.ts', 'a plugin whose create() fails is tried again'],
  dawdles: ['services/dsp-helper/neighbour.test.ts', 'computes for four ticks in every call'],
  'hides-its-fence': ['services/dsp-helper/sandbox.test.ts', 'by the word that was said before its code ran'],
  'reaches-out': ['services/dsp-helper/sandbox.test.ts', 'no filter of system calls stands alone'],
  'fills-its-tick': ['services/dsp-helper/crowded-chain.test.ts', 'for which a chain leaves no time stays'],
  'renames-itself': [
    'services/dsp-helper/succession.test.ts',
    'a plugin that writes over its own arguments is adopted all the same',
  ],
  'minds-memory': ['native/test/wheel_dsp_test.c', 'memory is cleared, moved and aligned as C says'],
}

test('every library of test/plugins/native has its test', () => {
  const libraries = readdirSync(pluginSources)
    .filter((file) => file.endsWith('.c'))
    .map((file) => file.slice(0, -'.c'.length))
  assert.deepEqual([...vices.map(({ name }) => name), ...Object.keys(elsewhere)].toSorted(), libraries.toSorted())
  for (const [library, [file, name]] of Object.entries(elsewhere)) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    assert.ok(text.includes(name), `${file} has the test of ${library}: ${name}`)
  }
})

/** How long the loop is looked at after a strike, in ticks: twice the time after which a plugin that hangs is ended. */
const ticksLooked = 20

/** The ticks of a strike: from its frame on, or where no frame is known those about the time of its charge. */
function ticksOf(violation: Violation, ticks: readonly Tick[]): readonly Tick[] {
  if (violation.sequence > 0) {
    const first = BigInt(violation.sequence)
    return ticks.filter(({ number }) => number >= first && number < first + BigInt(ticksLooked))
  }
  const agoNs = BigInt(Date.now()) * 1_000_000n - violation.lastTimeUnixUs * 1000n
  const chargedNs = process.hrtime.bigint() - agoNs
  return ticks.filter(({ dueNs }) => dueNs > chargedNs - 20_000_000n).slice(0, ticksLooked)
}

/**
 * On a busy machine any tick may be lost at any time. One that is lost because of the plugin is lost at every strike: it
 * is enough that once none was.
 */
const costNoTick = (violation: Violation, { ticks }: LoopRecord): boolean => {
  const looked = ticksOf(violation, ticks())
  return looked.length === ticksLooked && looked.every(({ lost }) => lost === 0)
}

interface Neighbour {
  readonly pid: number
  readonly executions: bigint
  readonly overBudget: bigint
}

/** The neighbour as it is; fails where it is charged with something. */
function neighbourOf(rig: PlaneUnderTest): Neighbour {
  const { pid, statistics, violations } = pluginOf(rig, 'inverts')
  assert.equal(statistics?.restarts, 0)
  assert.deepEqual(
    violations.filter(({ kind: its }) => its !== kind('budget')),
    [],
  )
  return { pid, executions: statistics.executions, overBudget: statistics.budgetViolations }
}

test('one plugin with a vice after another shares a chain with a neighbour', async (context) => {
  await using rig = await startPlane()
  const neighbour = fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))
  await rig.plane.setChain([neighbour], limits)
  using record = recordLoop(rig.home)
  const { pid } = neighbourOf(rig)

  for (const { name, charged, phase, evidence } of vices) {
    const words = charged.join(' or ')
    await context.test(`${name}: charged with ${words}, its neighbour with nothing, and no tick is lost`, async () => {
      const spec = fastPlugin(name, buildNativePlugin(name, rig.directory))
      const before = neighbourOf(rig)
      const beginning = rig.plane.setChain([spec, neighbour], limits)
      const violation = await until(`it is charged with ${words}, and the loop did not notice`, () => {
        const newest = charged.map((word) => found(pluginOf(rig, name), word)).find((one) => one !== undefined)
        if (newest !== undefined && !evidence.test(newest.detail)) assert.match(newest.detail, evidence)
        return newest !== undefined && costNoTick(newest, record) && newest
      })
      if (phase !== undefined) assert.equal(violation.phase, phase)
      assert.ok(violation.count >= 1n && violation.lastTimeUnixUs > 0n)
      await beginning
      const now = await until('the neighbour answers on', () => {
        const now = neighbourOf(rig)
        return now.executions > before.executions + 100n && now
      })
      assert.equal(now.pid, pid)
      // A call's CPU time is the machine's doing too: an interrupt, a page that was not there. Both are rare; a neighbour
      // that pays for somebody else does so frame after frame.
      const over = now.overBudget - before.overBudget
      const answers = now.executions - before.executions
      assert.ok(over * 20n <= answers, `${over} of ${answers} answers took more than the budget`)
      await until('it turns the torque round', () => near(torqueNm(rig), -2))
      await rig.plane.setChain([neighbour], limits)
      assert.deepEqual(record.gaps(), [])
    })
  }
  assert.deepEqual(rig.plane.wheelRt().restarts, 0)
})

test('allocations during process() are a finding, and no violation', async () => {
  await using rig = await startPlane()
  const name = 'allocates-in-process'
  await rig.plane.setChain([fastPlugin(name, buildNativePlugin(name, rig.directory))], limits)
  await until('they are counted', () => (pluginOf(rig, name).statistics?.memory?.processAllocations ?? 0n) > 10n)
  assert.equal(found(pluginOf(rig, name), 'memory'), undefined)
})

test('a library that is not what was verified is refused before any of it runs, and the rest of the chain goes on', async () => {
  await using rig = await startPlane()
  const spec = fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))
  await rig.plane.setChain(
    [
      { ...spec, sha256: '0'.repeat(64) },
      { ...spec, id: 'true' },
    ],
    limits,
  )
  assert.match(
    pluginOf(rig, 'inverts').detail,
    /^PLUGIN_UNTRUSTED: the library .* has the SHA-256 [0-9a-f]{64}, and 0{64} was/,
  )
  await until('the other one turns the torque round', () => near(torqueNm(rig), -2))
})
