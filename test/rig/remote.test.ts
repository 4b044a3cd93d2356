import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { commandFile, runWheelctl } from '../wheelctl.ts'
import { startRig } from './rig.ts'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

test('a rig is operated from elsewhere by those who have a certificate, each as its role says', {
  timeout: 300_000,
}, async (t) => {
  await using rig = await startRig((home) => {
    execFileSync(commandFile('wheelctl'), ['pki', 'init', '--host', 'rig.example'], {
      env: { ...process.env, OPENRACING_HOME: home.configDir },
      stdio: 'ignore',
    })
    appendFileSync(home.configFile, '\nremote: { listen: "127.0.0.1:0" }\n')
  })
  const { home } = rig.rig
  const elsewhere = mkdtempSync(join(tmpdir(), 'openracing-elsewhere-'))
  t.after(() => rmSync(elsewhere, { recursive: true }))
  const address = [...rig.rig.readyLine.matchAll(/127\.0\.0\.1:\d+/g)].map(([each]) => each).at(-1) as string
  const here = async (...args: readonly string[]): Promise<string> => (await runWheelctl(home, args)).stdout
  /** As on a machine that has nothing of this rig. */
  process.env.WHEELCTL_CONFIG = join(elsewhere, 'wheelctl.yaml')
  t.after(() => delete process.env.WHEELCTL_CONFIG)
  const there = (...args: readonly string[]): Promise<Ended> =>
    runWheelctl({ configDir: elsewhere }, args).then(
      (ended) => ({ ...ended, code: 0 }),
      (cause) => cause as Ended,
    )
  const shown = (name: string): readonly string[] => [
    ...['--endpoint', address, '--ca', join(elsewhere, 'ca.crt')],
    ...['--cert', join(elsewhere, `${name}.crt`), '--key', join(elsewhere, `${name}.key`)],
  ]
  for (const [name, role] of [
    ['vera', 'viewer'],
    ['olaf', 'operator'],
    ['ada', 'admin'],
  ] as const) {
    const { serial, cert } = JSON.parse(await here('pki', 'issue', name, '--role', role, '--out', elsewhere, '--json'))
    assert.match(serial, /^[0-9a-f]{32}$/)
    assert.equal(cert, join(elsewhere, `${name}.crt`))
  }

  await t.test('each does what its role may', async () => {
    assert.match((await there(...shown('vera'), 'plugin', 'list')).stdout, /lowpass/)
    const refused = await there(...shown('vera'), 'chain', 'set', 'lowpass')
    assert.equal(refused.code, 6)
    assert.match(
      refused.stderr,
      /^wheelctl: PERMISSION_DENIED: .*SetChainOrder needs the role operator, and vera is viewer/,
    )
    assert.equal((await there(...shown('vera'), 'rig', 'estop', '--reason', 'a hand in the wheel')).code, 0)
    assert.equal((await there(...shown('vera'), 'rig', 'clear')).code, 6)
    assert.equal((await there(...shown('olaf'), 'rig', 'clear')).code, 0)
    assert.equal((await there(...shown('olaf'), 'plugin', 'unload', 'lowpass')).code, 6)
    assert.equal((await there(...shown('ada'), 'plugin', 'unload', 'lowpass')).code, 0)
    assert.equal((await there(...shown('ada'), 'plugin', 'enable', 'lowpass')).code, 0)
  })

  await t.test('nobody comes in without, or by a part of one', async () => {
    const bare = await there('--endpoint', address, 'plugin', 'list')
    assert.equal(bare.code, 5)
    const half = await there('--endpoint', address, '--cert', join(elsewhere, 'vera.crt'), 'plugin', 'list')
    assert.deepEqual([half.code, /--ca, --cert and --key belong together/.test(half.stderr)], [4, true])
  })

  await t.test('rigs have names, and are asked one by one or all together', async () => {
    assert.equal((await there(...shown('ada'), 'context', 'set', 'garage')).stdout, `garage is ${address}\n`)
    await there(...shown('vera'), 'context', 'set', 'club')
    assert.match((await there('plugin', 'list')).stdout, /lowpass/, 'the first is meant')
    assert.match((await there('--context', 'club', 'rig', 'status')).stdout, /^loop/m)
    const all = await there('--context', 'all', 'plugin', 'list', '--json')
    const told = JSON.parse(all.stdout) as Record<string, { readonly result: readonly { readonly name: string }[] }>
    assert.deepEqual(Object.keys(told), ['garage', 'club'])
    for (const { result } of Object.values(told)) assert.ok(result.some(({ name }) => /lowpass/i.test(name)))
    const mixed = await there('--context', 'all', 'plugin', 'reload', 'lowpass')
    assert.equal(mixed.code, 6)
    assert.match(mixed.stdout, /^== garage\n/)
    assert.match(mixed.stderr, /^== club\nwheelctl: PERMISSION_DENIED/)
    assert.equal((await there('--context', 'moon', 'plugin', 'list')).code, 4)
    assert.match((await there('context', 'list')).stdout, /^\* +garage/m)
    await there('context', 'use', 'club')
    await there('context', 'remove', 'club')
    assert.match((await there('context', 'list')).stdout, /^ +garage/m)
  })

  await t.test('what is revoked is out within a second, the connections that it has as well', async () => {
    const states = async () =>
      (JSON.parse(await here('pki', 'list', '--json')) as { name: string; state: string }[]).map(
        ({ name, state }) => `${name} ${state}`,
      )
    assert.deepEqual(await states(), ['vera good', 'olaf good', 'ada good'])
    await here('pki', 'revoke', 'ada', '--reason', 'lost')
    assert.deepEqual(await states(), ['vera good', 'olaf good', 'ada revoked'])
    await until('ada is out', async () => (await there(...shown('ada'), 'plugin', 'list')).code === 5)
    assert.equal((await there(...shown('vera'), 'plugin', 'list')).code, 0)
    assert.equal((await there('--context', 'garage', 'plugin', 'list')).code, 5)
    // Who cannot stop that rig stops no other.
    assert.equal((await there('--context', 'garage', 'rig', 'estop')).code, 5)
    assert.match(await here('--endpoint', `unix:${home.socket('host')}`, 'rig', 'status'), /^estop +not engaged/m)
    // Where nobody can read who is revoked, everybody is.
    const list = join(home.configDir, 'pki', 'revoked.json')
    const before = readFileSync(list, 'utf8')
    writeFileSync(list, '{')
    await until('nobody comes in', async () => (await there(...shown('vera'), 'plugin', 'list')).code === 5)
    writeFileSync(list, before)
    await until('vera comes in', async () => (await there(...shown('vera'), 'plugin', 'list')).code === 0)
    assert.match(await here('--endpoint', `unix:${home.socket('host')}`, 'plugin', 'list'), /lowpass/)
  })

  await t.test('the rig shows another certificate without being started again', async () => {
    await here('pki', 'init', '--host', 'rig.example')
    const serial = () =>
      execFileSync('sh', [
        '-c',
        `openssl s_client -connect ${address} -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -serial`,
      ]).toString()
    const own = execFileSync('openssl', ['x509', '-noout', '-serial', '-in', join(home.configDir, 'pki', 'server.crt')])
    await until('the new one is shown', () => serial() === own.toString())
    assert.equal((await there(...shown('vera'), 'plugin', 'list')).code, 0)
  })
})
