import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import type { SetChainRequest } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { Decision, Finding } from '../../gen/proto/openracing/v1/trust.ts'
import { RigError } from '../../rpc/failure.ts'
import { type Decided, nextEntry } from './audit-chain.ts'
import { arrangementOf, createChainHand } from './chain.ts'
import { openChainRecord } from './chain-record.ts'
import { parseConfig } from './config.ts'
import { openConfigCheck } from './config-check.ts'
import { startDiscovery } from './discovery.ts'
import { createJudge } from './judge.ts'
import { createLoader } from './loader.ts'
import { createNetworkGrants } from './network-grants.ts'
import { createPluginGrants } from './plugin-grants.ts'
import { createPluginHand } from './plugin-hand.ts'
import { createPluginLives, tellPlan } from './plugin-lives.ts'
import { createPlan } from './plugin-plan.ts'
import { scanPlugins } from './registry.ts'

const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

const manifest = (index: number, budgetUs = 150): string => `
id: ${idOf(index)}
name: Plugin ${index}
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: Fast
capabilities: [ProcessDsp]
operations: []
constraints: { max_execution_time_us: ${budgetUs}, max_memory_bytes: 65536, update_rate_hz: 1000 }
entry_points: { native_library: artefact }
config_schema: { type: object, properties: { strength: { type: number, default: 0.5 } } }
`

/** A chain over real directories and a real record; trust says the SHA-256 that the file holds. */
function rig(...names: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'openracing-chain-'))
  const stateDir = join(root, '.state')
  mkdirSync(stateDir)
  const file = (name: string, of: string): string => join(root, name, of)
  for (const [index, name] of names.entries()) {
    mkdirSync(join(root, name))
    writeFileSync(file(name, 'plugin.yaml'), manifest(index))
    writeFileSync(file(name, 'artefact'), name)
  }
  const chains: SetChainRequest[] = []
  const refused = new Set<string>()
  const verified: string[] = []
  const services = {
    async verify({ path }: { readonly path: string }) {
      const sha256 = readFileSync(path, 'utf8')
      verified.push(sha256)
      const decision = refused.has(sha256) ? Decision.DECISION_REFUSE : Decision.DECISION_LOAD
      return {
        finding: Finding.FINDING_UNSIGNED,
        decision,
        reason: `judged ${sha256}`,
        sha256,
        verifiedPath: `/s${path}`,
        keyFingerprints: [],
        failure: '',
        bundleVersion: '',
        bundleKeyFingerprints: [],
      }
    },
    judgeKeys: () => Promise.reject(new Error('nobody vouches here')),
    listFast: async () => [],
    unloadSafe: () => Promise.reject(new Error('no Safe plugin is here')),
    adjustSafe: () => Promise.reject(new Error('no Safe plugin is here')),
    loadSafe: () => Promise.reject(new Error('no Safe plugin is here')),
    loadOnCall: () => Promise.reject(new Error('no plugin that is called is here')),
    endFast: async () => {},
    async setChain(request: SetChainRequest) {
      chains.push(request)
    },
  }
  const closing: (() => void)[] = []

  /** A host that begins. */
  async function start() {
    const config = parseConfig('', 'config.yaml')
    const plan = createPlan(scanPlugins(root), config.plugins, root)
    const record = openChainRecord({ stateDir })
    const arrangement = () => arrangementOf(plan, record)
    const log = pino({ level: 'silent' })
    const lives = createPluginLives({ policyOf: () => ({ goal: 'running' }), nowMs: () => 0, log })
    for (const plugin of plan.plugins()) tellPlan(lives, plugin)
    const grants = createPluginGrants({
      plugins: { ...config.plugins, autoGrantRisk: 'medium' },
      words: { on: () => undefined },
      files: () => [],
    })
    const audit = { append: (decided: Decided) => nextEntry(undefined, decided, 0) }
    const versions = { of: () => '', note() {} }
    const network = createNetworkGrants()
    const isServing = () => true
    const configs = openConfigCheck()
    const judge = createJudge({ native: config.plugins.native, services, isServing, configs, versions })
    const loader = createLoader({
      ...{ judge, isServing, plan, lives, arrangement, config, services, grants, network, audit, versions, log },
      fence: { covers: () => true },
      rateHzOf: () => 1000,
      countNow: async () => {},
      endUnattended: async () => {},
    })
    const discovery = startDiscovery({ pluginDir: root, plan, lives, loader, log })
    closing.push(discovery.close, () => void configs.close())
    closing.push(loader.close)
    loader.serving('dsp-helper')
    await loader.settled()
    const goals = { of: () => null, set() {} }
    const words = { grant() {}, revoke() {} }
    const plugins = createPluginHand({ plan, lives, goals, words, loader, discovery, widenFence: async () => {} })
    return { hand: createChainHand({ plan, record, loader, plugins }), life: lives.of }
  }

  return {
    start,
    file,
    refused,
    verified,
    record: join(stateDir, 'chain.json'),
    stateDir,
    told: () => chains.length,
    /** The directories' numbers, as the dsp-helper was told last. */
    chain: () =>
      chains
        .at(-1)
        ?.plugins.map(({ id }) => names[Number(id.slice(-3))])
        .join(' '),
    newest: () => chains.at(-1)?.plugins,
    [Symbol.dispose]: () => {
      for (const close of closing) close()
      rmSync(root, { recursive: true })
    },
  }
}

test('the order that the operator set is told to the loop, and stands after a restart', async () => {
  using it = rig('a', 'b', 'c')
  const { hand } = await it.start()
  assert.equal(it.chain(), 'a b c')
  await hand.set(['c', 'Plugin 0', idOf(1)])
  assert.equal(it.chain(), 'c a b')
  await hand.move('b', { kind: 'position', position: 1 })
  assert.equal(it.chain(), 'b c a')
  await hand.move('b', { kind: 'after', name: 'c' })
  assert.equal(it.chain(), 'c b a')
  const next = await it.start()
  assert.equal(it.chain(), 'c b a')
  await next.hand.move('a', { kind: 'before', name: 'c' })
  assert.equal(it.chain(), 'a c b')
})

test('a removed plugin is available, stays removed after a restart, and runs when it is set again', async () => {
  using it = rig('a', 'b')
  const { hand, life } = await it.start()
  await hand.remove('a')
  assert.equal(it.chain(), 'b')
  assert.equal(life('a').state, 'available')
  const next = await it.start()
  assert.equal(it.chain(), 'b')
  await next.hand.set(['a', 'b'])
  assert.equal(it.chain(), 'a b')
  assert.equal(next.life('a').state, 'enabled')
  await next.hand.set([])
  assert.equal(it.chain(), '')
})

test('an order that cannot be written is not acted on', async () => {
  using it = rig('a', 'b')
  const { hand } = await it.start()
  rmSync(it.stateDir, { recursive: true })
  await assert.rejects(hand.set(['b', 'a']), (cause: RigError) => /^the chain stays as it is: /.test(cause.detail))
  assert.deepEqual([it.told(), it.chain()], [1, 'a b'])
})

test('what is refused changes neither the record nor the loop', async () => {
  using it = rig('a', 'b')
  const { hand } = await it.start()
  await hand.set(['b', 'a'])
  const before = readFileSync(it.record, 'utf8')
  for (const act of [
    () => hand.set(['a', 'a']),
    () => hand.set(['a', 'ghost']),
    () => hand.move('a', { kind: 'position', position: 3 }),
    () => hand.remove('ghost'),
    () => hand.reload('ghost'),
  ]) {
    await assert.rejects(act(), RigError)
  }
  assert.equal(readFileSync(it.record, 'utf8'), before)
  assert.equal(it.told(), 2)
})

test('with a record that cannot be read no Fast plugin runs, and setting the chain repairs it', async () => {
  using it = rig('a', 'b')
  writeFileSync(it.record, '{"version":1,"order":')
  const { hand, life } = await it.start()
  assert.equal(it.chain(), '')
  const a = life('a')
  assert.match(a.detail, /^CONFIG_INVALID: the order .* no Fast plugin runs .*chain\.json.*chain set/)
  await assert.rejects(hand.remove('a'), { code: 'CONFIG_INVALID' })
  await hand.set(['b', 'a'])
  assert.equal(it.chain(), 'b a')
  assert.equal(life('a').state, 'enabled')
})

test('a change of order judges nobody again; a reload judges one plugin, and brings new bytes and configuration', async () => {
  using it = rig('a', 'b')
  const { hand } = await it.start()
  writeFileSync(it.file('b', 'artefact'), 'new b')
  it.verified.length = 0
  await hand.set(['b', 'a'])
  assert.deepEqual(it.verified, [])
  assert.equal(it.newest()?.[0]?.sha256, 'b')

  assert.equal(await hand.reload('b'), true)
  assert.deepEqual(it.verified, ['new b'])
  assert.equal(it.newest()?.[0]?.sha256, 'new b')
  assert.equal(await hand.reload('b'), false)

  writeFileSync(it.file('a', 'config.json'), '{"strength": 0.25}')
  assert.equal(await hand.reload('a'), true)
  assert.equal(it.newest()?.[1]?.configJson, '{"strength":0.25}')
  writeFileSync(it.file('a', 'plugin.yaml'), manifest(0, 100))
  assert.equal(await hand.reload('a'), true)
  assert.equal(it.newest()?.[1]?.budgetUs, 100)
})

test('a reload of something that may not run leaves what runs as it is, and says why', async () => {
  using it = rig('a', 'b')
  const { hand, life } = await it.start()
  const stays = async (sentence: RegExp) => {
    await assert.rejects(hand.reload('a'), (cause: RigError) => sentence.test(cause.message))
    assert.deepEqual([life('a').state, it.told(), it.chain()], ['enabled', 1, 'a b'])
  }
  it.refused.add('evil')
  writeFileSync(it.file('a', 'artefact'), 'evil')
  await stays(/^PLUGIN_UNTRUSTED: judged evil/)
  writeFileSync(it.file('a', 'config.json'), '{"strength": "much"}')
  await stays(/config\.json.*strength|PLUGIN_UNTRUSTED/)
  writeFileSync(it.file('a', 'plugin.yaml'), manifest(0).replace('class: Fast', 'class: Turbo'))
  await stays(/^MANIFEST_INVALID: .*Turbo/)
  writeFileSync(it.file('a', 'plugin.yaml'), manifest(1))
  await stays(/its id|id .* is that of the plugin in b/)
})

test('a plugin that was broken when the rig started comes in when it is corrected and reloaded', async () => {
  using it = rig('a', 'b')
  writeFileSync(it.file('a', 'plugin.yaml'), 'id: 5')
  const { hand } = await it.start()
  assert.equal(it.chain(), 'b')
  writeFileSync(it.file('a', 'plugin.yaml'), manifest(1))
  await assert.rejects(hand.reload('a'), /id .* is that of the plugin in b/)
  writeFileSync(it.file('a', 'plugin.yaml'), manifest(0))
  assert.equal(await hand.reload('a'), true)
  assert.equal(it.chain(), 'a b')
})
