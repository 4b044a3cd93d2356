import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  DspHelperServiceClient,
  type FastPlugin,
  type ListFastPluginsResponse,
  type SetChainResponse,
} from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { Waiting } from '../../gen/proto/openracing/v1/rig.ts'
import { PluginPhase, type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { createHome, findHome, type Home } from '../../rpc/home.ts'
import { produceForce } from '../../test/force-producer.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, near, pluginOf, startPlane, torqueNm } from '../../test/plane.ts'
import { inTime, until } from '../../test/until.ts'
import type { violationKinds } from './conduct.ts'

const {
  PLUGIN_PHASE_CREATING: creating,
  PLUGIN_PHASE_LOADING: loading,
  PLUGIN_PHASE_PROCESSING: processing,
  PLUGIN_PHASE_UNSPECIFIED: unknown,
} = PluginPhase
const kind = (word: (typeof violationKinds)[number]): ViolationKind =>
  ViolationKind[`VIOLATION_KIND_${word.toUpperCase().replace('-', '_')}` as keyof typeof ViolationKind]

const found = (plugin: FastPlugin, word: (typeof violationKinds)[number]): Violation | undefined =>
  plugin.violations.find((violation) => violation.kind === kind(word))

/** What a library does, what that is called, and the evidence. */
const vices: readonly (readonly [string, (typeof violationKinds)[number], PluginPhase, RegExp])[] = [
  [
    'crashes',
    'crash',
    processing,
    /SIGSEGV at process\+0x[0-9a-f]+, which used the address 0x8, during process\(\) of/,
  ],
  ['aborts', 'crash', processing, /SIGABRT at process\+/],
  ['divides-by-zero', 'crash', processing, /SIGFPE at process\+/],
  ['crashes-in-create', 'crash', creating, /SIGSEGV at .* during create\(\)$/],
  ['crashes-in-constructor', 'crash', loading, /SIGSEGV at .* while it was loaded$/],
  ['exits', 'capability', processing, /exit_group\(\), which its sandbox forbids/],
  ['opens-socket', 'capability', processing, /^it called socket\(\), which its sandbox forbids, at process\+/],
  ['forks', 'capability', processing, /^it called \w*(clone|fork)\w*\(\), which its sandbox forbids/],
  ['never-returns', 'timeout', processing, /did not return within \d+ ms/],
  ['waits-for-nobody', 'timeout', processing, /did not return within \d+ ms/],
  ['spins-in-create', 'timeout', creating, /did not return within \d+ ms of CPU time|was not ready within 5000 ms/],
  ['allocates-too-much', 'memory', unknown, /^it was refused memory at its limit of 4194304 bytes$/],
  ['fails', 'result', processing, /^process\(\) returned .*, not 0$/],
  ['not-finite', 'not-finite', processing, /not finite$/],
  [
    'forges-input',
    'protocol',
    processing,
    /^it destroyed its input ring: a count there became 0x\w+ during process\(\) of/,
  ],
  // These the loop may see first, whose word counts if the process gets no further.
  [
    'overwrites-counters',
    'protocol',
    processing,
    /^it destroyed its output ring: a count there became 0x1\w{5} during|^it wrote an impossible counter/,
  ],
  [
    'scribbles',
    'protocol',
    processing,
    /^it destroyed its input ring: a count there became 0x(a5){8} during|^it wrote an impossible counter/,
  ],
]

for (const [vice, word, phase, evidence] of vices) {
  test(`a plugin that ${vice.replaceAll('-', ' ')} is charged with ${word}, and its neighbour with nothing`, async () => {
    await using rig = await startPlane()
    const chain = [vice, 'inverts'].map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory)))
    await rig.plane.setChain(chain, limits)
    const violation = await until(`it is charged with ${word}`, () => found(pluginOf(rig, vice), word))
    assert.match(violation.detail, evidence)
    assert.equal(violation.phase, phase)
    assert.ok(violation.count >= 1n && violation.lastTimeUs > 0n)
    const before = executions(rig, 'inverts')
    await until('the neighbour answers', () => executions(rig, 'inverts') > before + 100n)
    assert.equal(pluginOf(rig, 'inverts').statistics?.restarts, 0)
    // What its own CPU time was is the machine's doing too: a page that was not there, an interrupt.
    const others = pluginOf(rig, 'inverts').violations.filter(({ kind: its }) => its !== kind('budget'))
    assert.deepEqual(others, [])
  })
}

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
    /^PLUGIN_INVALID: the library .* has the SHA-256 [0-9a-f]{64}, and 0{64} was/,
  )
  await until('the other one turns the torque round', () => near(torqueNm(rig), -2))
})

/** A dsp-helper as a process, as the host starts it. */
async function startHelper(home: Home) {
  const program = fileURLToPath(new URL('main.ts', import.meta.url))
  const environment = { ...process.env, OPENRACING_HOME: home.configDir, OPENRACING_LOG_LEVEL: 'silent' }
  const child = spawn(process.execPath, [program], { env: environment, stdio: ['pipe', 'ignore', 'ignore'] })
  const client = connect(DspHelperServiceClient, `unix:${home.socket('dsp-helper')}`)
  const exited = once(child, 'exit')
  const plugins = async (): Promise<readonly FastPlugin[]> =>
    (await call<ListFastPluginsResponse>((done) => client.listFastPlugins({}, ...within(5000), done))).plugins
  await until('the helper serves', () => plugins().catch(() => undefined))
  return {
    client,
    plugins,
    async end(signal: NodeJS.Signals) {
      client.close()
      child.kill(signal)
      await inTime('the helper ended', exited)
    },
  }
}

test('what a plugin did is known to the helper that comes after one that was killed, also what it did meanwhile', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-helper-'))
  const home = findHome({ OPENRACING_HOME: directory })
  createHome(home)
  const first = await startHelper(home)
  const chain = ['fails', 'crashes'].map((name) => fastPlugin(name, buildNativePlugin(name, directory)))
  const request = { plugins: chain, limits: { ...limits, waiting: Waiting.WAITING_PREDICTIVE } }
  await call<SetChainResponse>((done) => first.client.setChain(request, ...within(20_000), done))
  const pluginIn = async (helper: typeof first, id: string): Promise<FastPlugin> =>
    (await helper.plugins()).find((plugin) => plugin.id === id) as FastPlugin
  const crashes = async (helper: typeof first): Promise<bigint> =>
    found(await pluginIn(helper, 'crashes'), 'crash')?.count ?? 0n
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))
  const producer = await until('the loop has made its input ring', () => produceForce(home, () => 2))
  cleanup.defer(() => producer.close())
  await until('it crashed twice', async () => (await crashes(first)) >= 2n)
  await first.end('SIGKILL')

  const second = await startHelper(home)
  cleanup.defer(() => second.end('SIGTERM'))
  const before = await crashes(second)
  assert.ok(before >= 2n, `${before} crashes are known`)
  await until('one more is charged', async () => (await crashes(second)) > before)
  const fails = await pluginIn(second, 'fails')
  const failed = found(fails, 'result')?.count ?? 0n
  assert.ok(failed > 0n && failed <= (fails.statistics?.failures ?? 0n), 'no failure is charged twice')
})
