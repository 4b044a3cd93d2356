import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runWheelctl } from '../wheelctl.ts'
import { startNextHost, startRig } from './rig.ts'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

test('a plugin is installed from a directory and an archive, upgraded, rolled back and removed with wheelctl', {
  timeout: 300_000,
}, async (t) => {
  await using rig = await startRig()
  const { home } = rig.rig
  const root = mkdtempSync(join(tmpdir(), 'openracing-source-'))
  t.after(() => rmSync(root, { recursive: true }))
  const source = join(root, 'my-leds')
  cpSync(join(home.pluginDir, 'rpm-leds'), source, { recursive: true })
  const manifest = readFileSync(join(source, 'plugin.yaml'), 'utf8')
  const make = (version: string): void =>
    writeFileSync(
      join(source, 'plugin.yaml'),
      manifest
        .replace(/^id:.*$/m, 'id: "7c8f3a53-74a2-4a0f-8f0a-2d1a2f6a2b11"')
        .replace(/^name:.*$/m, 'name: "My LEDs"')
        .replace(/^version:.*$/m, `version: "${version}"`),
    )
  const run = (...args: readonly string[]): Promise<Ended> =>
    runWheelctl(home, ['plugin', ...args]).then(
      (ended) => ({ ...ended, code: 0 }),
      (cause) => cause as Ended,
    )
  const version = (): string | undefined =>
    /version: "(.*)"/.exec(readFileSync(join(home.pluginDir, 'my-leds', 'plugin.yaml'), 'utf8'))?.[1]

  await t.test('a directory, without what its project has beside the plugin', async () => {
    make('1.0.0')
    mkdirSync(join(source, 'node_modules'))
    symlinkSync('/etc', join(source, 'node_modules', 'link'))
    writeFileSync(join(source, '.env'), 'secret')
    const { code, stdout, stderr } = await run('install', source)
    assert.deepEqual([code, stdout], [0, 'my-leds: 1.0.0 is installed\n'], stderr)
    assert.match(stderr, /^warning: /) // it is not signed
    assert.deepEqual(readdirSync(join(home.pluginDir, 'my-leds')).sort(), ['build', 'plugin.yaml'])
  })
  await t.test('the same once more is refused, and so is a link', async () => {
    const again = await run('install', source)
    assert.deepEqual([again.code, again.stdout], [1, ''])
    assert.match(
      again.stderr,
      /^wheelctl: PLUGIN_INSTALLED: the archive has My LEDs of version 1\.0\.0, which is installed already/,
    )
    assert.equal((await run('install', source, '--force')).stdout, 'my-leds: 1.0.0 is installed (was 1.0.0)\n')
    symlinkSync('/etc/passwd', join(source, 'link'))
    const link = await run('install', source, '--force')
    assert.deepEqual([link.code, /REQUEST_INVALID: .*link is a link; put a copy/.test(link.stderr)], [4, true])
    rmSync(join(source, 'link'))
  })
  await t.test('archives of the system', async () => {
    make('1.1.0')
    execFileSync('tar', ['-czf', 'a.tgz', '--exclude=node_modules', 'my-leds'], { cwd: root })
    const upgraded = JSON.parse((await run('upgrade', join(root, 'a.tgz'), '--json')).stdout)
    assert.deepEqual([upgraded.directory, upgraded.version, upgraded.previousVersion], ['my-leds', '1.1.0', '1.0.0'])
    assert.equal(version(), '1.1.0')
  })
  await t.test('what is no archive, or not there', async () => {
    writeFileSync(join(root, 'text.zip'), 'not a zip')
    assert.match(
      (await run('install', join(root, 'text.zip'))).stderr,
      /ARCHIVE_INVALID: .*is neither a \.tar\.gz nor a \.zip/,
    )
    assert.match((await run('install', join(root, 'none'))).stderr, /FILE_MISSING: .*none cannot be read/)
  })
  await t.test('back, and back again', async () => {
    assert.equal((await run('rollback', 'my-leds')).stdout, 'my-leds: 1.0.0 is installed (was 1.1.0)\n')
    assert.equal(version(), '1.0.0')
    assert.equal(JSON.parse((await run('rollback', 'my-leds', '--json')).stdout).version, '1.1.0')
  })
  await t.test('what a host that was killed had begun is finished by the next', async () => {
    process.kill(rig.rig.pid, 'SIGKILL')
    await rig.rig.exited
    cpSync(join(home.pluginDir, 'my-leds'), join(home.pluginDir, '.next-my-leds'), { recursive: true })
    mkdirSync(join(home.pluginDir, '.staging-1'))
    await using _next = await startNextHost(home)
    const names = readdirSync(home.pluginDir)
    assert.deepEqual([names.includes('my-leds'), names.filter((name) => name.startsWith('.'))], [true, []])
    const listed = JSON.parse((await run('list', '--json')).stdout) as readonly { readonly directory: string }[]
    assert.ok(listed.some(({ directory }) => directory === 'my-leds'))
    const asked = await run('uninstall', 'my-leds')
    assert.deepEqual([asked.code, /nothing was removed; give --yes/.test(asked.stderr)], [4, true])
    assert.equal((await run('uninstall', 'my-leds', '--yes')).stdout, 'my-leds is uninstalled (was 1.1.0)\n')
    assert.equal(readdirSync(home.pluginDir).includes('my-leds'), false)
    const log = (await runWheelctl(home, ['audit', 'list', '--json'])).stdout
    for (const decision of ['install', 'upgrade', 'rollback', 'uninstall'])
      assert.match(log, new RegExp(`"decision":"${decision}"`))
  })
})
