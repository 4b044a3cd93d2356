import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildNativePlugin } from '../native-plugin.ts'
import { until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { startRig } from './rig.ts'

test('wheelctl plugin info shows what a plugin did that it must not do, and its evidence', async () => {
  await using rig = await startRig((home) => {
    const directory = join(home.pluginDir, 'crashes')
    cpSync(join(home.pluginDir, 'lowpass'), directory, { recursive: true })
    const manifest = join(directory, 'plugin.yaml')
    const other = readFileSync(manifest, 'utf8').replace('3e0f4f0a', '4e0f4f0a').replace('"lowpass"', '"crashes"')
    writeFileSync(manifest, other)
    cpSync(buildNativePlugin('crashes', home.stateDir), join(directory, 'build', 'liblowpass.so'))
  })
  const info = async (...args: readonly string[]): Promise<string> =>
    (await runWheelctl(rig.rig.home, ['plugin', 'info', ...args])).stdout
  await until('the crash is charged', async () => (await rig.plugin('crashes')).violations.length > 0)
  const people = await info('crashes')
  assert.match(
    people,
    /^violation: crash +\d+, the newest at \d{4}-.*Z: its process was ended by SIGSEGV at process\+/m,
  )
  assert.match(people, /^allocations in process\(\) +0$/m)
  const [violation] = JSON.parse(await info('crashes', '--json')).violations
  assert.match(violation.detail, /which used the address 0x8/)
  const [lowpass, listed] = [await info('lowpass'), JSON.parse(await info('lowpass', '--json'))]
  assert.match(lowpass, /^confined by +landlock and seccomp$/m)
  assert.deepEqual(listed.confinement, { landlock: true, seccomp: true })
  assert.doesNotMatch(lowpass, /violation: (crash|timeout|capability|memory)/)
})
