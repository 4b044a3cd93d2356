import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { FastPlugin, type SetChainRequest } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { Decision, Finding, type VerifyArtefactResponse } from '../../gen/proto/openracing/v1/trust.ts'
import {
  type AdjustSafePluginRequest,
  type LoadOnCallPluginRequest,
  type LoadSafePluginRequest,
  PathAccess,
  SafePlugin,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { until } from '../../test/until.ts'
import { type Decided, nextEntry } from './audit-chain.ts'
import type { CapabilityWord } from './capability-grants.ts'
import { arrange, type ChainOrder, noOrder } from './chain-order.ts'
import { parseConfig } from './config.ts'
import { openConfigCheck } from './config-check.ts'
import { createFileGrants } from './file-grants.ts'
import { createJudge } from './judge.ts'
import { createLoader } from './loader.ts'
import type { Capability } from './manifest-schema.ts'
import { createNetworkGrants } from './network-grants.ts'
import { createPluginGrants } from './plugin-grants.ts'
import { createPluginList, type Report } from './plugin-list.ts'
import { createPluginLives, tellPlan } from './plugin-lives.ts'
import { createPlan, goalByConfig } from './plugin-plan.ts'
import type { Goal } from './plugin-state.ts'
import { findPlugin, scanPlugins } from './registry.ts'

type PluginClass = 'Safe' | 'Fast'

const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

const manifest = (pluginClass: PluginClass, index: number): string => `
id: ${idOf(index)}
name: Plugin ${index}
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: ${pluginClass}
capabilities: [${pluginClass === 'Fast' ? 'ProcessDsp' : ''}]
operations: []
constraints: { max_execution_time_us: 150, max_memory_bytes: 65536, update_rate_hz: ${pluginClass === 'Safe' ? 60 : 1000} }
entry_points: { wasm_module: artefact, native_library: artefact }
config_schema: { type: object, properties: { strength: { type: number, default: 0.5 } } }
`

const action = (name: string, checksum: string): string =>
  `[plugin]\nname = "${name}"\nversion = "1.0.0"\nstateful = true\n[binary]\npath = "artefact"\nchecksum = "sha256:${checksum}"\n`

const verdict = (decision: Decision, path: string): VerifyArtefactResponse => ({
  finding: Finding.FINDING_UNSIGNED,
  decision,
  reason: `judged ${path}`,
  sha256: 'ab'.repeat(32),
  verifiedPath: `/store${path}`,
  keyFingerprints: ['cd'.repeat(32)],
  failure: '',
  bundleVersion: '',
  bundleKeyFingerprints: [],
})

const gone = new RigError('SERVICE_UNAVAILABLE', 'the service does not answer')

/** A loader over real plugin directories; the services are what the test says they are. */
function rig(
  plugins: Readonly<Record<string, PluginClass>>,
  configText = '',
  actions: Readonly<Record<string, string>> = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'openracing-loader-'))
  for (const [index, [name, pluginClass]] of Object.entries(plugins).entries()) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, 'plugin.yaml'), manifest(pluginClass, index))
    writeFileSync(join(root, name, 'artefact'), name)
  }
  for (const [name, checksum] of Object.entries(actions)) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, 'plugin.toml'), action(name, checksum))
    writeFileSync(join(root, name, 'artefact'), name)
  }
  const config = parseConfig(configText, 'config.yaml')
  const goals = new Map<string, Goal>()
  let rateShare = 1
  let dspWord: CapabilityWord | undefined
  const found = scanPlugins(root)
  const directoryOf = (id: string): string => found.find(({ manifest }) => manifest?.id === id)?.directory ?? ''
  const plan = createPlan(found, config.plugins, root, {
    goalOf: (id) => goals.get(directoryOf(id)) ?? null,
    quarantineOf: () => null,
  })
  let order: ChainOrder = noOrder
  let underWay: Promise<void> = Promise.resolve()
  const arrangement = () => arrange(plan.plugins(), order)
  const up = new Set<string>()
  const loads: LoadSafePluginRequest[] = []
  const calls: LoadOnCallPluginRequest[] = []
  const chains: SetChainRequest[] = []
  /** Ids of plugins whose processes were ended without a dsp-helper. */
  const unattended: string[] = []
  /** Ids that were ended without a chain. */
  const ended: string[] = []
  const decisions = new Map<string, Decision>()
  const unloads: string[] = []
  /** What the wasm-runner did, in its order. */
  const done: string[] = []
  let countingMs = 0
  let unwilling = 0
  const adjusted: AdjustSafePluginRequest[] = []
  /** How many loads there were when what plugins did was counted. */
  const counted: number[] = []
  let refusing: FastPlugin[] = []
  let sha256 = 'ab'.repeat(32)
  let full = false
  const audited: Decided[] = []
  let keyDecision: Decision = Decision.DECISION_LOAD
  let meanwhile = async (): Promise<void> => {}
  const failing = new Map<string, Error>()
  const nameIn = (path: string): string => path.split('/').at(-2) as string
  const services = {
    async verify({ path }: { readonly path: string }) {
      if (!up.has('trust')) throw gone
      return { ...verdict(decisions.get(nameIn(path)) ?? Decision.DECISION_LOAD, path), sha256 }
    },
    async judgeKeys() {
      return { finding: Finding.FINDING_UNSPECIFIED, decision: keyDecision, reason: 'its key was judged' }
    },
    listFast: async () => refusing,
    async endFast(ids: readonly string[]) {
      ended.push(...ids)
      refusing = refusing.filter(({ id }) => !ids.includes(id))
    },
    async unloadSafe(id: string) {
      if (unwilling > 0) {
        unwilling--
        throw gone
      }
      unloads.push(id)
      done.push('unload')
    },
    async adjustSafe(request: AdjustSafePluginRequest) {
      adjusted.push(request)
    },
    async loadSafe(request: LoadSafePluginRequest) {
      await meanwhile()
      const failure = failing.get(nameIn(request.path))
      if (failure !== undefined) throw failure
      loads.push(request)
      done.push('load')
    },
    async loadOnCall(request: LoadOnCallPluginRequest) {
      const failure = failing.get(nameIn(request.path))
      if (failure !== undefined) throw failure
      calls.push(request)
    },
    async setChain(request: SetChainRequest) {
      chains.push(request)
      await underWay
    },
  }
  const isServing = (service: string): boolean => up.has(service)
  const grants = createPluginGrants({
    plugins: {
      ...config.plugins,
      autoGrantRisk: configText.includes('auto_grant_risk') ? config.plugins.autoGrantRisk : 'medium',
    },
    words: { on: (_, capability) => (capability === 'ProcessDsp' ? dspWord : undefined) },
    files: createFileGrants({ configDir: root, stateDir: '/none', runtimeDir: '/none', shmDir: '/none' }),
  })
  const log = pino({ level: 'silent' })
  const policyOf = (directory: string) => ({ goal: goalByConfig(config.plugins, directory) })
  const lives = createPluginLives({ policyOf, nowMs: () => 0, log })
  for (const plugin of plan.plugins()) tellPlan(lives, plugin)
  const network = createNetworkGrants()
  const versions = { of: () => '', note() {} }
  const configs = openConfigCheck()
  const judge = createJudge({ native: config.plugins.native, services, isServing, configs, versions })
  const loader = createLoader({
    ...{ judge, versions, plan, lives, arrangement, config, services, isServing, grants, network, log },
    fence: { covers: () => true },
    endUnattended: async (ids) => void unattended.push(...ids),
    rateHzOf: ({ goal, manifest }) => (goal === 'running' ? manifest.constraints.updateRateHz * rateShare : 0),
    countNow: async () => {
      counted.push(loads.length)
      if (countingMs > 0) await delay(countingMs)
    },
    audit: {
      append(decided) {
        if (full) throw new Error('database or disk is full')
        audited.push(decided)
        return nextEntry(undefined, decided, 0)
      },
    },
  })
  return {
    loader,
    network,
    plan,
    /** Whatever is told to the dsp-helper from now on takes until then. */
    delayChain: (until: Promise<void>) => {
      underWay = until
    },
    setOrder: (next: ChainOrder) => {
      order = next
      return loader.chainChanged()
    },
    loads,
    unloads,
    calls,
    chains,
    ended,
    unattended,
    /** These run in the loop, from before. */
    runsAlready: (...plugins: readonly string[]) => {
      refusing = plugins.map((id) => FastPlugin.fromPartial({ id }))
    },
    /** What the dsp-helper says of reloads that did not take, from now on. */
    refuses: (...plugins: readonly string[]) => {
      refusing = plugins.map((id) => FastPlugin.fromPartial({ id, refusal: 'create() failed' }))
    },
    /** The bytes of every plugin are others from now on. */
    changeBytes: (next: string) => {
      sha256 = next
    },
    /** Nothing can be written into the audit log any more. */
    fillDisk: () => {
      full = true
    },
    judged: () => loader.judgedGood(),
    /** What the audit log was told: subject and decision. */
    audited: () => audited.map(({ subject, decision }) => `${subject}: ${decision}`),
    /** Happens in the middle of each load of a Safe plugin from now on. */
    whileLoading: (act: () => Promise<void>) => {
      meanwhile = act
    },
    keysMean: (decision: Decision) => {
      keyDecision = decision
      return loader.keysChanged()
    },
    decisions,
    failing,
    isServing,
    loaded: () => loads.map((request) => nameIn(request.path)).sort(),
    start: async (...names: readonly string[]) => {
      for (const name of names) {
        up.add(name)
        loader.serving(name)
      }
      await loader.settled()
    },
    stop: (name: string) => up.delete(name),
    lives,
    grants,
    adjusted,
    counted,
    done,
    /** So many unloads are not carried out. */
    refuseUnloads: (count: number) => {
      unwilling = count
    },
    /** To ask what plugins did takes so long from now on. */
    countSlowly: (ms: number) => {
      countingMs = ms
    },
    /** What lies in a directory has another manifest from now on. */
    async rewrite(directory: string, from: string, to: string) {
      const file = join(root, directory, 'plugin.yaml')
      const text = readFileSync(file, 'utf8')
      assert.ok(text.includes(from))
      writeFileSync(file, text.replace(from, to))
      plan.put(directory, findPlugin(root, directory))
      await loader.changed(directory)
    },
    /** The operator wants this of a plugin from now on. */
    aim: (directory: string, goal: Goal) => {
      goals.set(directory, goal)
      plan.refresh()
      const plugin = plan.named(directory)
      assert.ok(plugin)
      tellPlan(lives, plugin)
    },
    /** Rates of all plugins are this share of their own from now on. */
    slowDown: (share: number) => {
      rateShare = share
    },
    /** What the operator says of ProcessDsp from now on. */
    dsp: (word: CapabilityWord | undefined) => {
      dspWord = word
    },
    life: (directory: string) => lives.of(directory),
    /** As the operator does: also what was stopped for its key. */
    reload: async (directory: string) => {
      loader.lift({ directory })
      await loader.changed(directory)
    },
    [Symbol.dispose]: () => {
      loader.close()
      void configs.close()
      rmSync(root, { recursive: true })
    },
  }
}

const allServices = ['trust', 'wasm-runner', 'dsp-helper'] as const

test('plugins run from the bytes that were verified, with their configuration complete', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' }, 'ffb: { max_torque_nm: 8, allow_high_torque: true }')
  await it.start(...allServices)
  const [load] = it.loads
  assert.match(load?.path ?? '', /^\/store\/.*\/safe\/artefact$/)
  assert.equal(load?.sha256, 'ab'.repeat(32))
  assert.equal(load?.configJson, '{"strength":0.5}')
  const chain = it.chains.at(-1)
  assert.deepEqual(
    chain?.plugins.map(({ id, budgetUs, configJson }) => ({ id, budgetUs, configJson })),
    [{ id: idOf(1), budgetUs: 150, configJson: '{"strength":0.5}' }],
  )
  assert.equal(chain?.limits?.maxTorqueNm, 8)
  assert.equal(chain?.limits?.simulatedWheel, true)
  assert.equal(chain?.limits?.assent, true)
})

test('a Fast plugin reads its own directory, and runs unconfined only where the operator says so', async () => {
  const native = [
    '',
    'plugins: {native: {require_signatures: false, allow_unsigned: true}}',
    'plugins: {native: {allow_unsandboxed: true}}',
  ]
  const allowed: (boolean | undefined)[] = []
  for (const config of native) {
    using it = rig({ fast: 'Fast' }, config)
    await it.start(...allServices)
    const spec = it.chains.at(-1)?.plugins[0]
    assert.equal(spec?.directory, realpathSync(it.plan.plugins()[0]?.path as string))
    allowed.push(spec?.allowUnsandboxed)
  }
  assert.deepEqual(allowed, [false, false, true])
})

test('plugins run in the order of plugins.enabled', async () => {
  using it = rig({ a: 'Fast', b: 'Fast', s: 'Safe', t: 'Safe' }, 'plugins: { enabled: [t, b, s, a] }')
  await it.start(...allServices)
  assert.deepEqual(
    it.chains.at(-1)?.plugins.map(({ id }) => id),
    [idOf(1), idOf(0)],
  )
  const ordered = it.loads.toSorted((a, b) => a.order - b.order).map(({ id }) => id)
  assert.deepEqual(ordered, [idOf(3), idOf(2)])
})

test('nothing loads before trust runs, and everything does when it does', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start('wasm-runner', 'dsp-helper')
  assert.deepEqual([it.loads.length, it.chains.length], [0, 0])
  assert.equal(it.life('safe').state, 'waiting')
  await it.start('trust')
  assert.deepEqual([it.loads.length, it.chains.length], [1, 1])
  assert.equal(it.life('fast').state, 'enabled')
})

test('a plugin that is refused or fails does not keep the others from running', async () => {
  using it = rig({ refused: 'Safe', failing: 'Safe', fine: 'Safe', mistrusted: 'Fast', link: 'Fast' })
  it.decisions.set('refused', Decision.DECISION_REFUSE).set('mistrusted', Decision.DECISION_UNSPECIFIED)
  it.failing.set('failing', new RigError('PLUGIN_FAILED', 'initialize() returned -2'))
  await it.start(...allServices)
  assert.deepEqual(it.loaded(), ['fine'])
  assert.deepEqual(
    it.chains.at(-1)?.plugins.map(({ id }) => id),
    [idOf(4)],
  )
  const failing = it.life('failing')
  const sentence = /^PLUGIN_FAILED: .*\/failing\/artefact: initialize\(\) returned -2$/
  assert.match(failing.detail, sentence)
  const refused = it.life('refused')
  assert.match(refused.detail, /^PLUGIN_UNTRUSTED: judged .*\/refused\/artefact$/)
  assert.equal(it.life('mistrusted').state, 'failed')
})

test('Safe plugins are loaded again when their service was restarted, and verified again', async () => {
  using it = rig({ a: 'Safe', b: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  it.stop('wasm-runner')
  it.decisions.set('b', Decision.DECISION_REFUSE)
  await it.start('wasm-runner')
  assert.deepEqual(it.loaded(), ['a', 'a', 'b'])
  assert.equal(it.life('b').state, 'failed')
  assert.equal(it.chains.length, 1)
})

test('a restarted dsp-helper gets the chain again, but never one that lacks a plugin only because trust is away', async () => {
  using it = rig({ one: 'Fast', two: 'Fast' })
  await it.start(...allServices)
  it.stop('trust')
  it.stop('dsp-helper')
  await it.start('dsp-helper')
  await it.start('trust')
  assert.ok(it.chains.length > 1)
  assert.ok(it.chains.every(({ plugins }) => plugins.length === 2))
})

test('a chain that changes while another is on its way is told after it', async () => {
  using it = rig({ one: 'Fast', two: 'Fast' })
  await it.start(...allServices)
  const { promise, resolve } = Promise.withResolvers<void>()
  it.delayChain(promise)
  const first = it.setOrder({ order: [idOf(1), idOf(0)], removed: [] })
  while (it.chains.length < 2) await setImmediate()
  const second = it.setOrder({ order: [], removed: [idOf(0)] })
  resolve()
  await Promise.all([first, second])
  assert.deepEqual(
    it.chains.slice(1).map(({ plugins }) => plugins.map(({ id }) => id)),
    [[idOf(1), idOf(0)], [idOf(1)]],
  )
  assert.deepEqual([it.life('one').state, it.life('two').state], ['available', 'enabled'])
})

test('while trust is away what is not wanted any more leaves the chain, and the others stay', async () => {
  using it = rig({ one: 'Fast', two: 'Fast' })
  await it.start(...allServices)
  it.stop('trust')
  const changed = it.loader.changed('one')
  it.aim('two', 'disabled')
  await Promise.all([changed, it.loader.changed('two')])
  assert.deepEqual(
    it.chains.at(-1)?.plugins.map(({ id }) => id),
    [idOf(0)],
  )
  it.stop('dsp-helper')
  await it.start('dsp-helper')
  assert.deepEqual(
    it.chains.at(-1)?.plugins.map(({ id }) => id),
    [idOf(0)],
  )
})

test('a Fast plugin that is disabled while it is judged for the first time is not in the chain', async () => {
  using it = rig({ fast: 'Fast' })
  const started = it.start(...allServices)
  it.aim('fast', 'disabled')
  await Promise.all([started, it.loader.changed('fast')])
  await it.loader.settled()
  assert.deepEqual(it.chains.at(-1)?.plugins, [])
})

test('a restart of trust alone touches nothing that runs', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  it.stop('trust')
  await it.start('trust')
  assert.deepEqual([it.loads.length, it.chains.length], [1, 1])
})

test('a rig without Fast plugins has its limits even while trust is away', async () => {
  using it = rig({ safe: 'Safe' })
  await it.start('dsp-helper')
  assert.deepEqual([it.chains.length, it.chains[0]?.plugins.length], [1, 0])
})

test('of a loop that was taken over what nobody wants ends while trust is away, and the rest runs on', async () => {
  using it = rig({ a: 'Fast', b: 'Fast', c: 'Fast' })
  it.runsAlready(idOf(0), idOf(1), idOf(2), idOf(9))
  it.aim('b', 'disabled')
  await it.start('dsp-helper')
  assert.deepEqual(it.ended, [idOf(1), idOf(9)])
  await it.setOrder({ order: [idOf(2)], removed: [idOf(0)] })
  assert.deepEqual(it.ended, [idOf(1), idOf(9), idOf(0)])
  it.dsp({ kind: 'revoked' })
  await it.loader.termsChanged('c')
  assert.deepEqual(it.ended, [idOf(1), idOf(9), idOf(0), idOf(2)])
  assert.deepEqual(it.chains, [], 'nobody was judged')
})

test('a Fast plugin that waited for a service is on its way once it is judged, however long the others take', async () => {
  using it = rig({ a: 'Fast' })
  const { promise, resolve } = Promise.withResolvers<void>()
  it.delayChain(promise)
  await it.start('trust')
  assert.equal(it.life('a').state, 'waiting')
  const started = it.start('dsp-helper')
  await until('the chain is sent', () => it.chains.length > 0)
  assert.deepEqual([it.life('a').state, it.life('a').detail], ['verified', ''])
  resolve()
  await started
  assert.equal(it.life('a').state, 'enabled')
})

test('what is wanted no more ends also while there is no dsp-helper', async () => {
  using it = rig({ a: 'Fast', b: 'Fast' })
  await it.start(...allServices)
  it.stop('dsp-helper')
  it.aim('a', 'disabled')
  await it.loader.changed('a')
  await it.keysMean(Decision.DECISION_REFUSE)
  assert.deepEqual([[...new Set(it.unattended)], it.ended], [[idOf(0), idOf(1)], []])
})

test('what may not touch the torque any more ends also while there is no dsp-helper', async () => {
  using it = rig({ a: 'Fast', b: 'Fast' })
  await it.start(...allServices)
  it.stop('dsp-helper')
  await it.setOrder({ order: [], removed: [idOf(1)] })
  assert.deepEqual(it.unattended, [idOf(1)])
  it.dsp({ kind: 'revoked' })
  await it.loader.termsChanged('a')
  assert.deepEqual([...new Set(it.unattended)], [idOf(1), idOf(0)])
})

test('a plugin with a configuration that does not fit its schema fails with the place', async () => {
  using it = rig({ safe: 'Safe' })
  writeFileSync(join(it.plan.plugins()[0]?.path as string, 'config.json'), '{"strength": "much"}')
  await it.start(...allServices)
  const outcome = it.life('safe')
  assert.match(outcome.detail, /config\.json.*strength/)
})

// ---- how it is shown

const statistics = (executions: bigint) => ({
  executions,
  failures: 0n,
  budgetViolations: 0n,
  missedDeadlines: 0n,
  cpu: undefined,
  restarts: 0,
})
const report = (index: number, executions: bigint): Report => ({
  id: idOf(index),
  state: PluginState.PLUGIN_STATE_RUNNING,
  detail: '',
  statistics: statistics(executions),
})

function listOf(it: ReturnType<typeof rig>) {
  const reports: { safe: readonly Report[]; fast: readonly Report[] } = { safe: [], fast: [] }
  const services = {
    listSafe: async () => reports.safe.map((each) => SafePlugin.fromPartial(each)),
    listFast: async () => reports.fast.map((each) => FastPlugin.fromPartial({ ...each, pid: 1, life: 1 })),
  }
  const loop: { why: string | undefined } = { why: undefined }
  const list = createPluginList({
    plan: it.plan,
    lives: it.lives,
    grants: it.grants,
    loader: it.loader,
    services,
    isServing: it.isServing,
    loop: { complaint: async () => loop.why },
    dataPlaneLog: '/state/data-plane.log',
  })
  return { reports, loop, list }
}

test('while a service is away its plugins keep their last statistics; Safe ones wait, Fast ones run on', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  const { reports, list } = listOf(it)
  reports.safe = [report(0, 100n)]
  reports.fast = [report(1, 200n)]
  const states = async () => (await list.list()).map(({ state, statistics }) => [state, statistics?.executions])
  const { PLUGIN_STATE_RUNNING, PLUGIN_STATE_WAITING } = PluginState
  assert.deepEqual(await states(), [
    [PLUGIN_STATE_RUNNING, 100n],
    [PLUGIN_STATE_RUNNING, 200n],
  ])
  it.stop('wasm-runner')
  it.stop('dsp-helper')
  assert.deepEqual(await states(), [
    [PLUGIN_STATE_WAITING, 100n],
    [PLUGIN_STATE_RUNNING, 200n],
  ])
})

test('a plugin is found by its id in any case and by its directory, and one that is not there is NOT_FOUND', async () => {
  using it = rig({ safe: 'Safe' })
  const { list } = listOf(it)
  assert.equal((await list.get(idOf(0).toUpperCase())).directory, 'safe')
  assert.equal((await list.get('safe')).id, idOf(0))
  await assert.rejects(list.get('ghost'), { code: 'PLUGIN_UNKNOWN' })
  await assert.rejects(list.get(''), { code: 'PLUGIN_UNKNOWN' })
})

test('plugins that are not asked to run are available, and are not loaded', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' }, 'plugins: { auto_load: false }')
  await it.start(...allServices)
  const { list } = listOf(it)
  assert.ok((await list.list()).every(({ state }) => state === PluginState.PLUGIN_STATE_AVAILABLE))
  assert.deepEqual([it.loads.length, it.chains.at(-1)?.plugins.length], [0, 0])
})

test('while no loop ticks Fast plugins wait and say why, and Safe ones run on', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  const { reports, loop, list } = listOf(it)
  reports.safe = [report(0, 100n)]
  reports.fast = [report(1, 200n)]
  loop.why = 'it has no process'
  const [safe, fast] = await list.list()
  assert.equal(safe?.state, PluginState.PLUGIN_STATE_RUNNING)
  assert.equal(fast?.state, PluginState.PLUGIN_STATE_WAITING)
  assert.match(fast?.detail ?? '', /^SERVICE_UNAVAILABLE: wheel-rt.*does not run: it has no process$/)
  loop.why = undefined
  assert.equal((await list.get('fast')).state, PluginState.PLUGIN_STATE_RUNNING)
})

test('what went wrong with a Fast plugin names the library in its directory, and not the verified copy', async () => {
  using it = rig({ fast: 'Fast' })
  await it.start(...allServices)
  const { reports, list } = listOf(it)
  const detail = 'PLUGIN_INVALID: the library exports no get_plugin_vtable(); export it with C linkage'
  reports.fast = [{ ...report(0, 0n), state: PluginState.PLUGIN_STATE_FAILED, detail }]
  const place = join(it.plan.plugins()[0]?.path as string, 'artefact')
  assert.equal((await list.get('fast')).detail, detail.replace(': ', `: ${place}: `))
})

test('a plugin that is called is brought as one, and only with the bytes that its manifest names', async () => {
  using it = rig({ safe: 'Safe' }, '', { Keys: 'AB'.repeat(32), other: 'cd'.repeat(32) })
  await it.start(...allServices)
  assert.deepEqual(it.loaded(), ['safe'])
  const [asked] = it.calls
  assert.match(asked?.path ?? '', /^\/store\/.*\/Keys\/artefact$/)
  assert.deepEqual(
    { ...asked, path: '' },
    {
      ...{ id: 'keys', name: 'Keys', path: '', sha256: 'ab'.repeat(32), stateful: true },
      ...{ maxExecutionTimeUs: 5_000_000, maxMemoryBytes: 134_217_728n, network: [], fileSystem: [] },
      ungrantedCapabilities: [],
    },
  )
  assert.equal(it.calls.length, 1)
  const outcome = it.life('other')
  assert.equal(outcome.state, 'failed')
  assert.match(
    outcome.detail,
    /^PLUGIN_INVALID: .*other\/artefact has the SHA-256 (ab){32}, and its manifest says (cd){32}; install the file/,
  )
})

test('a plugin is stopped when nobody vouches for its key any more, and does not come back by itself', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  assert.deepEqual([it.life('safe').state, it.life('fast').state], ['enabled', 'enabled'])
  await it.keysMean(Decision.DECISION_REFUSE)
  assert.deepEqual([it.unloads, it.ended], [[idOf(0)], [idOf(1)]])
  assert.deepEqual(it.chains.at(-1)?.plugins, [])
  for (const name of ['safe', 'fast']) {
    const outcome = it.life(name)
    assert.equal(outcome.state, 'failed')
    assert.match(outcome.detail, new RegExp(`^PLUGIN_UNTRUSTED: ${name} was stopped: its key was judged; .* reload it`))
  }
  // The key is trusted again, and both services are other ones.
  await it.keysMean(Decision.DECISION_LOAD)
  const loads = it.loads.length
  await it.start('wasm-runner', 'dsp-helper')
  assert.equal(it.loads.length, loads)
  assert.deepEqual(it.chains.at(-1)?.plugins, [])
  assert.deepEqual([it.life('safe').state, it.life('fast').state], ['failed', 'failed'])
})

test('a plugin that was stopped for its key runs again when the operator reloads it', async () => {
  using it = rig({ fast: 'Fast' })
  await it.start(...allServices)
  await it.keysMean(Decision.DECISION_REFUSE)
  await it.keysMean(Decision.DECISION_LOAD)
  await it.reload('fast')
  assert.equal(it.life('fast').state, 'enabled')
  assert.equal(it.chains.at(-1)?.plugins.length, 1)
})

test('a key that is distrusted while its plugin is on its way stops it there', async () => {
  using it = rig({ safe: 'Safe' })
  it.whileLoading(() => it.keysMean(Decision.DECISION_REFUSE))
  await it.start(...allServices)
  assert.equal(it.life('safe').state, 'failed')
  assert.deepEqual(it.loads.length, 1)
  assert.ok(it.unloads.length > 0)
})

test('every decision is in the audit log before it is acted on', async () => {
  using it = rig({ good: 'Safe', bad: 'Safe' })
  it.decisions.set('bad', Decision.DECISION_REFUSE)
  await it.start(...allServices)
  assert.deepEqual(it.audited().sort(), ['bad: refuse', 'good: load'])
  await it.keysMean(Decision.DECISION_REFUSE)
  assert.deepEqual(it.audited().slice(2), ['good: stop'])
})

test('while a reload does not take, the key of what runs on is watched, and its copy is kept', async () => {
  using it = rig({ fast: 'Fast' })
  await it.start(...allServices)
  const reload = async (sha256: string): Promise<void> => {
    it.changeBytes(sha256)
    await it.reload('fast')
  }
  it.refuses(idOf(0))
  await reload('01'.repeat(32))
  await it.keysMean(Decision.DECISION_LOAD)
  assert.deepEqual(it.judged(), ['ab'.repeat(32), '01'.repeat(32)])
  it.refuses()
  await it.keysMean(Decision.DECISION_LOAD)
  assert.deepEqual(it.judged(), ['01'.repeat(32)], 'it took after all')
  it.refuses(idOf(0))
  await reload('02'.repeat(32))
  await it.keysMean(Decision.DECISION_REFUSE)
  assert.deepEqual([it.judged(), it.chains.at(-1)?.plugins], [[], []])
})

test('a plugin whose terms change keeps what it runs as: its rate, its goal, and nothing is judged again', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  const judged = it.audited().length
  it.slowDown(0.5)
  await Promise.all([it.loader.termsChanged('safe'), it.loader.termsChanged('fast')])
  assert.deepEqual(
    it.adjusted.map(({ id, updateRateHz }) => [id, updateRateHz]),
    [[idOf(0), 30]],
  )
  assert.equal(it.chains.at(-1)?.plugins[0]?.updateRateHz, 500)
  it.aim('safe', 'loaded')
  await it.loader.termsChanged('safe')
  assert.deepEqual([it.adjusted.at(-1)?.updateRateHz, it.life('safe').state], [0, 'loaded'])
  assert.deepEqual([it.loads.length, it.unloads, it.audited().length], [1, [], judged])
  await it.loader.termsChanged('safe')
  assert.equal(it.adjusted.length, 2, 'they are what they were')
})

test('a plugin that is not wanted any more ends, after what it did was counted, and comes back when it is', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  it.aim('safe', 'disabled')
  it.aim('fast', 'available')
  await Promise.all([it.loader.changed('safe'), it.loader.changed('fast')])
  assert.deepEqual([it.unloads, it.counted, it.chains.at(-1)?.plugins], [[idOf(0)], [1], []])
  assert.deepEqual([it.life('safe').state, it.life('fast').state], ['disabled', 'available'])
  it.aim('safe', 'running')
  it.aim('fast', 'running')
  await Promise.all([it.loader.changed('safe'), it.loader.changed('fast')])
  assert.deepEqual([it.loads.length, it.chains.at(-1)?.plugins.length], [2, 1])
  assert.deepEqual([it.life('safe').state, it.life('fast').state], ['enabled', 'enabled'])
})

test('a Fast plugin that may not touch the torque is not in the chain, and is there with the word of the operator', async () => {
  using it = rig({ fast: 'Fast' }, 'plugins: { auto_grant_risk: low }')
  it.dsp(undefined)
  await it.start(...allServices)
  assert.deepEqual(it.chains.at(-1)?.plugins, [])
  assert.equal(it.life('fast').state, 'verified')
  assert.match(it.life('fast').detail, /^ProcessDsp is not granted, .*plugin grant fast ProcessDsp/)
  it.dsp({ kind: 'granted', sha256: 'ab'.repeat(32) })
  await it.loader.termsChanged('fast')
  assert.deepEqual([it.chains.at(-1)?.plugins.length, it.life('fast').state], [1, 'enabled'])
  it.changeBytes('01'.repeat(32))
  it.dsp({ kind: 'granted', sha256: 'cd'.repeat(32) })
  await it.loader.changed('fast')
  assert.deepEqual([it.chains.at(-1)?.plugins, it.life('fast').state], [[], 'verified'], 'other bytes ask again')
})

test('a Safe plugin that was changed takes the place of what runs; what cannot run leaves that where it is', async () => {
  using it = rig({ safe: 'Safe' })
  await it.start(...allServices)
  await it.loader.changed('safe')
  assert.equal(it.loads.length, 1, 'the same runs on')
  it.changeBytes('01'.repeat(32))
  await it.loader.changed('safe')
  assert.deepEqual([it.loads.at(-1)?.sha256, it.counted.at(-1)], ['01'.repeat(32), 1])
  it.changeBytes('02'.repeat(32))
  it.failing.set('safe', new RigError('PLUGIN_FAILED', 'initialize() returned -2'))
  await it.loader.changed('safe')
  assert.deepEqual([it.life('safe').state, it.unloads], ['enabled', []])
  assert.match(it.life('safe').refusal, /^PLUGIN_FAILED: .*initialize\(\) returned -2$/)
  it.failing.clear()
  await it.loader.changed('safe')
  assert.deepEqual([it.loads.at(-1)?.sha256, it.life('safe').refusal], ['02'.repeat(32), ''])
})

for (const countingMs of [0, 50]) {
  test(`a plugin that is moved to another directory runs on there, whichever is seen first (${countingMs} ms)`, async () => {
    using it = rig({ safe: 'Safe' })
    await it.start(...allServices)
    const plugin = it.plan.named('safe')
    assert.ok(plugin)
    it.countSlowly(countingMs)
    it.plan.put('safe', undefined)
    it.plan.put('moved', { ...plugin, directory: 'moved' })
    it.aim('moved', 'running')
    await Promise.all([it.loader.changed('safe'), it.loader.changed('moved')])
    assert.equal(it.done.at(-1), 'load', it.done.join())
    assert.equal(it.life('moved').state, 'enabled')
  })
}

test('what is taken from a plugin is taken although a directory that it is granted is gone', async () => {
  using it = rig({ safe: 'Safe' })
  it.grants.of = (
    (of) =>
    (...args: Parameters<typeof of>) => {
      if (it.loads.length > 0) throw new RigError('FILE_MISSING', 'safe is granted /gone, which cannot be found')
      return of(...args)
    }
  )(it.grants.of)
  await it.start(...allServices)
  it.slowDown(0.5)
  await it.loader.termsChanged('safe')
  assert.equal(it.adjusted.at(-1)?.updateRateHz, 30)
  assert.match(it.life('safe').refusal, /^FILE_MISSING: safe is granted \/gone/)
})

test('a manifest that was refused gives what runs nothing, and takes nothing from it', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  for (const directory of ['safe', 'fast']) it.decisions.set(directory, Decision.DECISION_REFUSE)
  await it.rewrite('safe', 'capabilities: []', 'capabilities: [ReadTelemetry, { Network: { hosts: [evil.example] } }]')
  await it.rewrite('safe', 'update_rate_hz: 60', 'update_rate_hz: 200')
  await it.rewrite('fast', 'capabilities: [ProcessDsp]', 'capabilities: []')
  assert.match(it.life('safe').refusal, /^PLUGIN_UNTRUSTED/)
  it.slowDown(0.5)
  await it.loader.termsChanged('safe')
  await it.loader.termsChanged('fast')
  const [adjusted] = it.adjusted
  assert.deepEqual([adjusted?.capabilities, adjusted?.network, adjusted?.updateRateHz], [[], [], 30])
  assert.deepEqual(
    it.chains.at(-1)?.plugins.map(({ updateRateHz }) => updateRateHz),
    [500],
  )
  const { list } = listOf(it)
  const { grants, updateRateHz } = await list.get('safe')
  assert.deepEqual([grants, updateRateHz], [[], 60], 'it is shown as it runs')
})

test('what is taken from a plugin is taken also where what it is given cannot be had', async () => {
  using it = rig({ safe: 'Safe' })
  let granted: readonly Capability[] = ['ReadTelemetry', 'ControlLeds']
  let directories: readonly string[] = []
  it.grants.of = () => ({
    capabilities: [...granted],
    fileSystem: directories.map((path) => ({ path, access: PathAccess.PATH_ACCESS_READ, name: path })),
    hosts: [],
  })
  await it.start(...allServices)
  granted = ['ReadTelemetry', 'FileSystem']
  directories = ['/new']
  it.failing.set('safe', new RigError('PLUGIN_FAILED', 'initialize() returned -2'))
  await it.loader.termsChanged('safe')
  assert.deepEqual(it.adjusted.at(-1)?.capabilities, ['ReadTelemetry'])
  assert.match(it.life('safe').refusal, /^PLUGIN_FAILED/)
})

test('while trust is away what was changed waits, and says so', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  it.stop('trust')
  it.changeBytes('01'.repeat(32))
  await Promise.all([it.loader.changed('safe'), it.loader.changed('fast')])
  for (const directory of ['safe', 'fast']) {
    const { state, refusal } = it.life(directory)
    assert.deepEqual([state, /^SERVICE_UNAVAILABLE: .*trust/.test(refusal)], ['enabled', true], refusal)
  }
  await it.start('trust')
  assert.deepEqual([it.life('safe').refusal, it.life('fast').refusal], ['', ''])
  assert.equal(it.loads.at(-1)?.sha256, '01'.repeat(32))
})

test('a stop for a key that the wasm-runner does not carry out is asked for again', { timeout: 60_000 }, async () => {
  using it = rig({ safe: 'Safe' })
  await it.start(...allServices)
  it.refuseUnloads(1)
  await it.keysMean(Decision.DECISION_REFUSE)
  await until('it is ended after all', () => it.unloads.length === 1)
})

test('on a full disk what nobody vouches for is stopped all the same, and nothing loads', async () => {
  using it = rig({ safe: 'Safe', fast: 'Fast' })
  await it.start(...allServices)
  it.fillDisk()
  await it.keysMean(Decision.DECISION_REFUSE)
  assert.deepEqual([it.unloads, it.chains.at(-1)?.plugins], [[idOf(0)], []])
  const loads = it.loads.length
  await it.start('wasm-runner')
  assert.equal(it.loads.length, loads)
})
