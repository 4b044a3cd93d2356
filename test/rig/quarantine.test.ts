import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRoster } from '../../services/dsp-helper/roster.ts'
import { rosterPath } from '../../shm/data-plane-processes.ts'
import { blocksOf, readGuide, withoutGuides } from '../guide.ts'
import { buildNativePlugin } from '../native-plugin.ts'
import { until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { startNextHost, startRig } from './rig.ts'

interface Listed {
  readonly id: string
  readonly name: string
  readonly level: number
  readonly quarantine?: { readonly reason: string; readonly sinceUnixMs: number; readonly untilUnixMs: number }
}

const hourMs = 3_600_000

/** A rig with a plugin that crashes on its first frame, whatever it was told before. */
const startRigThatCrashes = () =>
  startRig((home) => {
    const directory = join(home.pluginDir, 'my_plugin')
    cpSync(join(home.pluginDir, 'lowpass'), directory, { recursive: true })
    const manifest = join(directory, 'plugin.yaml')
    const other = readFileSync(manifest, 'utf8').replace('3e0f4f0a', '4e0f4f0a').replace('"lowpass"', '"crashes"')
    writeFileSync(manifest, other)
    cpSync(buildNativePlugin('crashes', home.stateDir), join(directory, 'build', 'liblowpass.so'))
  })

test('a plugin that crashes three times is in quarantine, and no end of the host is the end of that; its release is', {
  timeout: 180_000,
}, async () => {
  await using rig = await startRigThatCrashes()
  const { home } = rig.rig
  const wheelctl = async (...args: readonly string[]) => (await runWheelctl(home, args, 'openracing-cli')).stdout
  const list = async () => JSON.parse(await wheelctl('plugin', 'quarantine', 'list', '--json')) as readonly Listed[]
  const listed = await until('it is in quarantine', async () => (await list())[0])
  assert.deepEqual([listed.name, listed.level], ['crashes', 1])
  assert.match(listed.quarantine?.reason ?? '', /^\d+ crashes within 60 min$/)
  assert.equal((listed.quarantine?.untilUnixMs ?? 0) - (listed.quarantine?.sinceUnixMs ?? 0), hourMs)
  assert.match(
    await wheelctl('plugin', 'quarantine', 'list'),
    /^crashes +4e0f4f0a-\S+ +quarantined +1 +\d{4}-\S+Z +\d+ crashes/m,
  )
  assert.match(
    await wheelctl('audit', 'list', '--subject', 'my_plugin'),
    / plugin +my_plugin +quarantine +\d+ crashes within/,
  )

  /** Ids of those that have a place in the loop, or a process. */
  const inTheLoop = () => readRoster(rosterPath(home.shmDir)).places.map(({ spec }) => spec.id)
  assert.ok(!inTheLoop().includes(listed.id), 'it does not run')

  const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
  await assert.rejects(wheelctl('--endpoint', port, 'plugin', 'release', 'my_plugin'), {
    code: 6,
    stderr: /PERMISSION_DENIED: .*ReleasePlugin needs the role admin, and 127\.0\.0\.1 is operator/,
  })
  await assert.rejects(wheelctl('plugin', 'release', 'nobody'), { code: 1, stderr: /PLUGIN_UNKNOWN: .*"nobody"/ })

  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  await using _next = await startNextHost(home)
  const [still] = await list()
  assert.ok(!inTheLoop().includes(listed.id), 'it does not run with the next host either')
  const movedMs = (still?.quarantine?.untilUnixMs ?? 0) - (listed.quarantine?.untilUnixMs ?? 0)
  assert.ok(Math.abs(movedMs) < 1000, `its end moved by ${movedMs} ms`) // two clocks are read, and one counts by 10 ms

  const lines = withoutGuides
    ? ['openracing-cli plugin release my_plugin']
    : blocksOf(readGuide('openracing-plugin-development-guide.md'), 'bash')
        .flatMap((block) => block.split('\n'))
        .filter((line) => / plugin (quarantine|release) /.test(line))
  assert.ok(lines.length >= 1, 'the guide prints them')
  const printed = await Promise.all(lines.map((line) => wheelctl(...line.split(' ').slice(1))))
  assert.ok(printed.includes('crashes: released; its level stays 1\n'), printed.join())
  assert.match(await wheelctl('audit', 'list', '--limit', '20'), / my_plugin +release +released by the operator$/m)
})
