import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { sign } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Plugin, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Home } from '../../rpc/home.ts'
import { formatSidecar } from '../../services/trust/sidecar.ts'
import { keyOf, knowing, newSigner } from '../../services/trust/testing/signer.ts'
import { formatTrustStore, type TrustLevel } from '../../services/trust/trust-store.ts'
import { until } from '../until.ts'
import { commandFile, runWheelctl } from '../wheelctl.ts'
import { startRig } from './rig.ts'

const { PLUGIN_STATE_RUNNING: running, PLUGIN_STATE_FAILED: failed } = PluginState
const signed: Readonly<Record<string, string>> = { lowpass: 'liblowpass.so', 'rpm-leds': 'rpm-leds.wasm' }

const us = newSigner()
const print = us.fingerprint

function know(home: Pick<Home, 'trustStore'>, level: TrustLevel, reason: string): void {
  const key = { ...keyOf(us, level), identifier: 'us', reason }
  writeFileSync(home.trustStore, formatTrustStore(knowing(key)))
}

/** A rig in strict mode, in which two of the three sample plugins are signed by a key that it trusts. */
const startStrictRig = () =>
  startRig((home) => {
    const config = readFileSync(home.configFile, 'utf8')
    writeFileSync(home.configFile, config.replace(/ {2}native:[\s\S]*/, '  native: { require_signatures: true }\n'))
    for (const [directory, file] of Object.entries(signed)) {
      const path = join(home.pluginDir, directory, 'build', file)
      const bytes = sign(null, readFileSync(path), us.privateKey)
      const notes = { signer: 'us', timestamp: '2024-01-15T10:30:00Z', comment: undefined }
      writeFileSync(`${path}.sig`, formatSidecar({ bytes, fingerprint: print }, notes))
    }
    know(home, 'Trusted', 'ours')
  })

test('what a key vouched for is stopped when the key is distrusted, and the log says why', {
  timeout: 180_000,
}, async (t) => {
  await using rig = await startStrictRig()
  const { home } = rig.rig
  const wheelctl = async (...args: readonly string[]) => (await runWheelctl(home, args)).stdout
  const stateOf = (all: readonly Plugin[], name: string) => all.find((plugin) => plugin.name === name)?.state
  const all = (state: PluginState, ...names: readonly string[]) =>
    until(`${names.join(' and ')} in state ${state}`, async () => {
      const plugins = await rig.plugins()
      return names.every((name) => stateOf(plugins, name) === state) ? plugins : undefined
    })

  await t.test('in strict mode the signed ones run, and the one that is not says so', async () => {
    await all(running, 'lowpass', 'rpm-leds')
    const plugin = await rig.plugin('slip-ffb')
    assert.equal(plugin.state, failed)
    assert.match(plugin.detail, /^PLUGIN_UNTRUSTED: .*slip-ffb\.wasm: it has no signature; strict mode refuses it/)
  })

  await t.test('over a port anybody may list the keys, and nobody may change them', async () => {
    const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
    assert.match(await wheelctl('--endpoint', port, 'trust', 'list'), new RegExp(`^trusted +${print}`, 'm'))
    const refusal = { code: 6, stderr: /PERMISSION_DENIED: .*Keys? needs the role admin, and 127\.0\.0\.1 is operator/ }
    const one = ['--fingerprint', print]
    await assert.rejects(wheelctl('--endpoint', port, 'trust', 'distrust', ...one), refusal)
    await assert.rejects(wheelctl('--endpoint', port, 'trust', 'remove', ...one), refusal)
    await assert.rejects(wheelctl('--endpoint', port, 'trust', 'import', '--file', home.trustStore), refusal)
  })

  await t.test('distrusted over the API', async (test) => {
    await wheelctl('trust', 'distrust', '--fingerprint', print, '--reason', 'its owner lost it')
    const began = performance.now()
    await all(failed, 'lowpass', 'rpm-leds')
    test.diagnostic(`stopped within ${(performance.now() - began).toFixed(0)} ms`)
    const plugin = await rig.plugin('lowpass')
    assert.match(plugin.detail, /^PLUGIN_UNTRUSTED: lowpass was stopped: .* us .* is distrusted \(its owner lost it\)/)
  })

  await t.test('the audit log has the key, and both plugins after it', async () => {
    const entries = JSON.parse(await wheelctl('audit', 'list', '--json')) as readonly {
      readonly kind: string
      readonly subject: string
      readonly decision: string
      readonly reason: string
      readonly evidence: unknown
    }[]
    const asked = entries.find(({ decision }) => decision === 'distrust')
    assert.match(JSON.stringify(asked?.evidence), /uid:\d+ \(admin\)/)
    const followed = entries.filter((entry) => entry !== asked)
    const newest = followed.slice(0, 3).map(({ kind, subject, decision }) => `${kind} ${subject}: ${decision}`)
    assert.deepEqual(
      [...newest.slice(0, 2).sort(), newest[2]],
      ['plugin lowpass: stop', 'plugin rpm-leds: stop', `key ${print}: distrusted`],
    )
    assert.equal(followed[2]?.reason, 'its owner lost it')
    assert.match(await wheelctl('audit', 'list', '--subject', 'slip-ffb'), /artefact +slip-ffb +refuse +.*no signature/)
    assert.match(await wheelctl('audit', 'verify'), /^intact: \d+ entries\nhead: [0-9a-f]{64}\n$/)
  })

  await t.test('trusted again, they stay where they are until somebody reloads them', async () => {
    writeFileSync(join(home.stateDir, 'us.pem'), us.pem)
    await wheelctl('trust', 'add', '--key', join(home.stateDir, 'us.pem'), '--level', 'trusted', '--reason', 'found')
    await until('the host has heard of it', async () =>
      (await wheelctl('audit', 'list', '--kind', 'key', '--limit', '2')).includes('found') ? true : undefined,
    )
    assert.equal((await rig.plugin('lowpass')).state, failed)
    await wheelctl('chain', 'reload', 'lowpass')
    await all(running, 'lowpass')
    assert.equal((await rig.plugin('rpm-leds')).state, failed)
  })

  await t.test('distrusted by hand, in the file', async () => {
    know(home, 'Distrusted', 'by hand')
    const plugins = await all(failed, 'lowpass')
    assert.match(plugins.find(({ name }) => name === 'lowpass')?.detail ?? '', /is distrusted \(by hand\)/)
  })
})

test('a rig that demands bundles runs what was signed with its manifest, and nothing else', {
  timeout: 180_000,
}, async () => {
  await using rig = await startRig((home) => {
    const config = readFileSync(home.configFile, 'utf8')
    const native = '{ require_signatures: true, require_bundle_signature: true }'
    writeFileSync(home.configFile, config.replace(/ {2}native:[\s\S]*/, `  native: ${native}\n`))
    const secret = join(home.stateDir, 'secret.pem')
    writeFileSync(secret, us.privateKey.export({ format: 'pem', type: 'pkcs8' }))
    for (const [directory, file] of Object.entries({ ...signed, 'slip-ffb': 'slip-ffb.wasm' })) {
      const library = join(home.pluginDir, directory, 'build', file)
      execFileSync(commandFile('wheelctl'), ['plugin', 'sign', '--library', library, '--key', secret, '--signer', 'us'])
    }
    rmSync(join(home.pluginDir, 'rpm-leds', 'plugin.sig.json'))
    appendFileSync(join(home.pluginDir, 'slip-ffb', 'plugin.yaml'), '# asks for nothing more\n')
    know(home, 'Trusted', 'ours')
  })
  await until('the chain runs', async () => ((await rig.plugin('lowpass')).state === running ? true : undefined))
  assert.match(
    (await rig.plugin('rpm-leds')).detail,
    /^BUNDLE_MISSING: .* it has no bundle signature, and plugins\.native/,
  )
  assert.match(
    (await rig.plugin('slip-ffb')).detail,
    /^BUNDLE_MANIFEST_CHANGED: .* the manifest plugin\.yaml has the SHA-256/,
  )
  const { stdout } = await runWheelctl(rig.rig.home, [
    'audit',
    'list',
    '--kind',
    'artefact',
    '--subject',
    'slip-ffb',
    '--json',
  ])
  assert.equal(JSON.parse(JSON.parse(stdout)[0].evidence).code, 'BUNDLE_MANIFEST_CHANGED')
})
