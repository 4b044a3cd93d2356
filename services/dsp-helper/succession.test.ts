import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  DspHelperServiceClient,
  type FastPlugin,
  type FastPluginSpec,
  type ListFastPluginsResponse,
  type SetChainResponse,
} from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { Waiting } from '../../gen/proto/openracing/v1/rig.ts'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { createHome, findHome, type Home } from '../../rpc/home.ts'
import { rosterPath } from '../../shm/data-plane-processes.ts'
import { isAlive } from '../../test/alive.ts'
import { produceForce } from '../../test/force-producer.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { limits } from '../../test/plane.ts'
import { inTime, until } from '../../test/until.ts'
import { endUnattended } from '../host/unattended-plugins.ts'
import { readRoster } from './roster.ts'

const chargesOf = ({ violations }: FastPlugin, kind: ViolationKind): bigint =>
  violations.find((violation) => violation.kind === kind)?.count ?? 0n

const rosterOf = ({ shmDir }: Home): string => rosterPath(shmDir)

/** A home for helpers that come one after another. */
function homeForHelpers(cleanup: AsyncDisposableStack): Home {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-helper-'))
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))
  const home = findHome({ OPENRACING_HOME: directory })
  createHome(home)
  return home
}

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
    plugins,
    setChain: (chain: readonly FastPluginSpec[]) => {
      const request = { plugins: [...chain], limits: { ...limits, waiting: Waiting.WAITING_PREDICTIVE } }
      return call<SetChainResponse>((done) => client.setChain(request, ...within(20_000), done))
    },
    async end(signal: NodeJS.Signals) {
      client.close()
      child.kill(signal)
      await inTime('the helper ended', exited)
    },
  }
}

test('what a plugin did is known to the helper that comes after one that was killed, also what it did meanwhile', async () => {
  await using cleanup = new AsyncDisposableStack()
  const home = homeForHelpers(cleanup)
  const first = await startHelper(home)
  const chain = ['fails', 'crashes'].map((name) => fastPlugin(name, buildNativePlugin(name, home.configDir)))
  await first.setChain(chain)
  const pluginIn = async (helper: typeof first, id: string): Promise<FastPlugin> =>
    (await helper.plugins()).find((plugin) => plugin.id === id) as FastPlugin
  const crashes = async (helper: typeof first): Promise<bigint> =>
    chargesOf(await pluginIn(helper, 'crashes'), ViolationKind.VIOLATION_KIND_CRASH)
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
  const failed = chargesOf(fails, ViolationKind.VIOLATION_KIND_RESULT)
  assert.ok(failed > 0n && failed <= (fails.statistics?.failures ?? 0n), 'no failure is charged twice')
})

test('a plugin that writes over its own arguments is adopted all the same, and ended when it is to leave', async () => {
  await using cleanup = new AsyncDisposableStack()
  const home = homeForHelpers(cleanup)
  const chain = [fastPlugin('renames-itself', buildNativePlugin('renames-itself', home.configDir))]
  const first = await startHelper(home)
  await first.setChain(chain)
  const producer = await until('the loop has made its input ring', () => produceForce(home, () => 2))
  cleanup.defer(() => producer.close())
  const theOne = async (helper: typeof first): Promise<FastPlugin> => (await helper.plugins())[0] as FastPlugin
  const { pid } = await theOne(first)
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^[x\0]+$/)
  await first.end('SIGKILL')

  const second = await startHelper(home)
  cleanup.defer(() => second.end('SIGTERM'))
  await second.setChain(chain)
  const before = await theOne(second)
  assert.deepEqual([before.pid, before.statistics?.restarts, before.detail], [pid, 0, 'adopted'])
  const answers = before.statistics?.executions ?? 0n
  await until('it answers on', async () => ((await theOne(second)).statistics?.executions ?? 0n) > answers + 100n)
  await second.setChain([])
  assert.ok(!isAlive(pid))
})

test('a plugin that is ended while there is no helper stays away, and its neighbour is adopted', async () => {
  await using cleanup = new AsyncDisposableStack()
  const home = homeForHelpers(cleanup)
  const library = buildNativePlugin('inverts', home.configDir)
  const first = await startHelper(home)
  await first.setChain(['stays', 'goes'].map((name) => fastPlugin(name, library)))
  const before = await first.plugins()
  const pidOf = (name: string): number => before.find(({ id }) => id === name)?.pid as number
  await first.end('SIGKILL')
  assert.ok(isAlive(pidOf('goes')))
  await endUnattended(home.shmDir, ['goes', 'nobody'])
  assert.ok(!isAlive(pidOf('goes')))

  const second = await startHelper(home)
  cleanup.defer(() => second.end('SIGTERM'))
  assert.deepEqual(
    (await second.plugins()).map(({ id, pid, detail }) => [id, pid, detail]),
    [['stays', pidOf('stays'), 'adopted']],
  )
})

test('a helper that is killed leaves every plugin its process, its rate and a clean record to the next', async () => {
  await using cleanup = new AsyncDisposableStack()
  const home = homeForHelpers(cleanup)
  const library = buildNativePlugin('inverts', home.configDir)
  const chain = [1000, 250, 0].map((updateRateHz) => ({ ...fastPlugin(`at-${updateRateHz}`, library), updateRateHz }))
  const states = [PluginState.PLUGIN_STATE_RUNNING, PluginState.PLUGIN_STATE_THROTTLED, PluginState.PLUGIN_STATE_LOADED]
  let helper = await startHelper(home)
  await helper.setChain(chain)
  const producer = await until('the loop has made its input ring', () => produceForce(home, () => 2))
  cleanup.defer(() => producer.close())
  const pids = (await helper.plugins()).map(({ pid }) => pid)
  for (let death = 0; death < 3; death++) {
    await helper.end('SIGKILL')
    helper = await startHelper(home)
    const plugins = await helper.plugins()
    assert.deepEqual([plugins.map(({ pid }) => pid), plugins.map(({ state }) => state)], [pids, states])
    const [first] = plugins
    const answers = first?.statistics?.executions ?? 0n
    await until(
      'it answers on',
      async () => ((await helper.plugins())[0]?.statistics?.executions ?? 0n) > answers + 100n,
    )
  }
  const last = helper
  cleanup.defer(() => last.end('SIGTERM'))
  assert.deepEqual(
    (await last.plugins()).flatMap(({ violations }) => violations),
    [],
  )
})

test('a process that was not ready when its helper was killed is ended by the next, and not adopted', async () => {
  await using cleanup = new AsyncDisposableStack()
  const home = homeForHelpers(cleanup)
  const first = await startHelper(home)
  const asked = first.setChain([fastPlugin('creates-never', buildNativePlugin('creates-never', home.configDir))])
  asked.catch(() => undefined) // nobody is there to answer
  const starting = await until('the roster names it', () => readRoster(rosterOf(home)).others[0])
  assert.ok(isAlive(starting.pid))
  await first.end('SIGKILL')

  const second = await startHelper(home)
  cleanup.defer(() => second.end('SIGTERM'))
  await until('it is gone', () => !isAlive(starting.pid))
  assert.ok((await second.plugins()).every(({ pid }) => pid !== starting.pid))
})

for (const [what, text] of [
  ['of another version', JSON.stringify({ version: 1, plugins: [] })],
  ['that is no JSON', '{"version":3,"inst'],
]) {
  test(`after a roster ${what} no plugin is charged with what another one did, and none has another one's number`, async () => {
    await using cleanup = new AsyncDisposableStack()
    const home = homeForHelpers(cleanup)
    const first = await startHelper(home)
    const library = (name: string) => fastPlugin(name, buildNativePlugin(name, home.configDir))
    await first.setChain([library('fails')])
    const producer = await until('the loop has made its input ring', () => produceForce(home, () => 2))
    cleanup.defer(() => producer.close())
    const [fails] = await until('it failed', async () => {
      const plugins = await first.plugins()
      return plugins[0] && chargesOf(plugins[0], ViolationKind.VIOLATION_KIND_RESULT) > 0n ? plugins : undefined
    })
    await first.end('SIGKILL')
    writeFileSync(rosterOf(home), text as string)

    const second = await startHelper(home)
    cleanup.defer(() => second.end('SIGTERM'))
    await until('the process that nobody knows is ended', () => !isAlive(fails?.pid ?? 0))
    await second.setChain([library('inverts')])
    const theOne = async (): Promise<FastPlugin> => (await second.plugins())[0] as FastPlugin
    await until('another one answers in its place', async () => ((await theOne()).statistics?.executions ?? 0n) > 100n)
    const { violations, statistics } = await theOne()
    assert.deepEqual([violations, statistics?.failures], [[], 0n])
  })
}
