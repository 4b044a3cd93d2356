import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { Decision, Finding } from '../../gen/proto/openracing/v1/trust.ts'
import { RigError } from '../../rpc/failure.ts'
import { type Decided, nextEntry } from './audit-chain.ts'
import type { Judged } from './judge.ts'
import type { Runnable } from './plugin-plan.ts'
import { createVouchers } from './vouchers.ts'

const plugin = { directory: 'leds' } as Runnable
const refuse = { finding: Finding.FINDING_DISTRUSTED, decision: Decision.DECISION_REFUSE, reason: 'it is distrusted' }
const load = { ...refuse, decision: Decision.DECISION_LOAD }

/** Versions are numbers: what is judged next has the digest and the key of that number. */
function vouching({ runs = (): number | undefined => undefined } = {}) {
  let version = 0
  const distrusted = new Set<string>()
  const stopped: string[] = []
  const asked: string[] = []
  const audited: string[] = []
  let meanwhile = async (): Promise<void> => {}
  let answering = async (): Promise<void> => {}
  const vouchers = createVouchers({
    judge: async () => {
      await meanwhile()
      const signers = { keyFingerprints: [`key${version}`], bundleKeyFingerprints: [] }
      const verified = { sha256: `${version}`, signers, warning: '', reason: 'signed', bundleVersion: '', path: '/x' }
      return { verified, configJson: '{}' } as Judged
    },
    native: { requireSignatures: true, allowUnsigned: false, requireBundleSignature: false, allowUnsandboxed: false },
    services: {
      async judgeKeys({ keyFingerprints }) {
        asked.push(...keyFingerprints)
        await answering()
        return keyFingerprints.some((key) => distrusted.has(key)) ? refuse : load
      },
    },
    audit: {
      append(decided: Decided) {
        audited.push(decided.decision)
        return nextEntry(undefined, decided, 0)
      },
    },
    runsOlder: async (_, sha256) => runs() !== undefined && `${runs()}` !== sha256,
    stop: async (_, why) => void stopped.push(why.message),
    log: pino({ level: 'silent' }),
  })
  return {
    ...{ vouchers, stopped, asked, audited },
    judge(next: number) {
      version = next
      return vouchers.judge(plugin)
    },
    distrust(key: number) {
      distrusted.add(`key${key}`)
      return vouchers.keysChanged()
    },
    whileJudging: (act: () => Promise<void>) => {
      meanwhile = act
    },
    whileAsking: (act: () => Promise<void>) => {
      answering = act
    },
  }
}

for (const failures of [1, 7, 8, 30]) {
  test(`what runs is stopped for its key after ${failures} reloads that did not take`, async () => {
    const it = vouching({ runs: () => 0 })
    for (let version = 0; version <= failures; version++) await it.judge(version)
    assert.ok(it.vouchers.judgedGood().includes('0'), 'its copy is kept')
    await it.distrust(0)
    assert.equal(it.stopped.length, 1)
    assert.match(it.stopped[0] ?? '', /^PLUGIN_UNTRUSTED: leds was stopped: it is distrusted; .* reload it/)
    assert.equal(it.vouchers.barOf(plugin)?.code, 'PLUGIN_UNTRUSTED')
    await assert.rejects(it.judge(0), { code: 'PLUGIN_UNTRUSTED' })
  })
}

test('once what was judged last runs nobody is asked for the ones before', async () => {
  let runs = 0
  const it = vouching({ runs: () => runs })
  for (const version of [0, 1, 2]) await it.judge(version)
  runs = 2
  await it.distrust(0)
  assert.deepEqual([it.asked, it.stopped, it.vouchers.judgedGood()], [['key2'], [], ['2']])
})

test('keys that change while a plugin is judged have it judged again', async () => {
  const it = vouching()
  let times = 0
  it.whileJudging(async () => {
    times += 1
    if (times === 1) await it.vouchers.keysChanged()
  })
  await it.judge(1)
  assert.equal(times, 2)
})

test('what is judged anew while its key is asked about is not stopped for the word before', async () => {
  const it = vouching()
  await it.judge(1)
  it.whileAsking(async () => {
    it.whileAsking(async () => {})
    it.vouchers.forget('leds')
    await it.judge(2)
  })
  await it.distrust(1)
  assert.deepEqual(it.stopped, [])
  assert.deepEqual(it.vouchers.judgedGood(), ['2'])
})

test('what could not be judged now is no refusal, and what was refused is in the audit log', async () => {
  const it = vouching()
  it.whileJudging(async () => {
    throw new RigError('SERVICE_UNAVAILABLE', 'trust does not answer')
  })
  await assert.rejects(it.judge(1), { code: 'SERVICE_UNAVAILABLE' })
  assert.deepEqual(it.audited, [])
  it.whileJudging(async () => {
    throw new RigError('PLUGIN_UNTRUSTED', 'it is not signed')
  })
  await assert.rejects(it.judge(1), { code: 'PLUGIN_UNTRUSTED' })
  assert.deepEqual(it.audited, ['refuse'])
})
