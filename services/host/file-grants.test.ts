import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PathAccess } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { createFileGrants } from './file-grants.ts'
import type { PathPermission } from './manifest-permissions.ts'
import type { Capability } from './manifest-schema.ts'
import { createPluginGrants, describeUngranted } from './plugin-grants.ts'
import { isRunnable, planPlugins, type Runnable } from './plugin-plan.ts'
import { scanPlugins } from './registry.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'openracing-grants-')))
const home = findHome({ OPENRACING_HOME: join(root, 'home') })
createHome(home)
const elsewhere = join(root, 'telemetry')
for (const path of [elsewhere, join(home.pluginDir, 'notes/logs'), join(home.pluginDir, 'other/logs')]) {
  mkdirSync(path, { recursive: true })
}
writeFileSync(join(elsewhere, 'a-file'), '')
symlinkSync(home.stateDir, join(elsewhere, 'leads-home'))
after(() => {
  rmSync(root, { recursive: true })
  rmSync(home.shmDir, { recursive: true, force: true })
})

/** A plugin that asks for these paths. */
function asking(...fileSystem: readonly PathPermission[]): Runnable {
  const manifest = `
id: 00000000-0000-4000-8000-000000000001
name: Notes
version: 1.0.0
description: Takes notes.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry${fileSystem.length > 0 ? ', FileSystem' : ''}]
operations: [TelemetryProcessor]
permissions: ${JSON.stringify(fileSystem.length > 0 ? { file_system: fileSystem } : {})}
constraints: { max_execution_time_us: 150, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`
  writeFileSync(join(home.pluginDir, 'notes/plugin.yaml'), manifest)
  const wish = { enabled: ['notes'], autoLoad: false }
  const [plugin] = planPlugins(scanPlugins(home.pluginDir), wish, home.pluginDir).filter(isRunnable)
  assert.ok(plugin)
  return plugin
}

const granting = createFileGrants(home)
const grantsBy = (autoGrant: Readonly<Record<string, readonly Capability[]>>) =>
  createPluginGrants({
    plugins: { enabled: ['notes'], autoGrant, autoGrantRisk: 'low' },
    words: { on: () => undefined },
    files: granting,
  })
const sha256 = 'ab'.repeat(32)

const read = (path: string): PathPermission => ({ path, access: 'read' })
const write = (path: string): PathPermission => ({ path, access: 'read_write' })

function refusal(plugin: Runnable): string {
  try {
    granting(plugin)
  } catch (cause) {
    assert.ok(cause instanceof RigError && ['CONFIG_INVALID', 'FILE_MISSING'].includes(cause.code), String(cause))
    return cause.message
  }
  return assert.fail('was granted')
}

test('a plugin that is granted FileSystem has the directories that its manifest lists, as it lists them', () => {
  assert.deepEqual(granting(asking(read(elsewhere), write('logs'), read('.'))), [
    { name: elsewhere, path: elsewhere, access: PathAccess.PATH_ACCESS_READ },
    { name: 'logs', path: join(home.pluginDir, 'notes/logs'), access: PathAccess.PATH_ACCESS_READ_WRITE },
    { name: '.', path: join(home.pluginDir, 'notes'), access: PathAccess.PATH_ACCESS_READ },
  ])
})

test('without the word of the user there is nothing, and more than it asks for there never is', () => {
  const plugin = asking(read(elsewhere))
  for (const word of [{}, { notes: [] }, { notes: ['Network'] }, { other: ['FileSystem'] }] as const) {
    assert.deepEqual(grantsBy(word).of(plugin, sha256), { capabilities: ['ReadTelemetry'], fileSystem: [], hosts: [] })
    assert.match(
      describeUngranted(plugin, grantsBy(word).decide(plugin, sha256)),
      new RegExp(`^FileSystem is not granted, which would let it read ${elsewhere}; grant with .*plugin grant notes`),
    )
  }
  const granted = grantsBy({ notes: ['FileSystem'] })
  assert.deepEqual(granted.of(asking(), sha256).fileSystem, [])
  assert.equal(describeUngranted(plugin, granted.decide(asking(read(elsewhere)), sha256)), '')
})

test('a name that every object has is nobody that was granted anything', () => {
  const plugin = { ...asking(read(elsewhere)), directory: 'constructor' }
  assert.deepEqual(grantsBy({}).of(plugin, sha256).fileSystem, [])
})

for (const [what, permission, sentence] of [
  [
    'a directory that is not there',
    read('none'),
    /FILE_MISSING: notes is granted \S+notes\/none, which cannot be found/,
  ],
  ['a file', read(join(elsewhere, 'a-file')), /lists \S+a-file, which is no directory; change the list/],
  ['everything', read('/'), /which is, holds or lies in \S+home, the rig's own/],
  ["the rig's state", write(home.stateDir), /the rig's own/],
  ["a link to the rig's state", write(join(elsewhere, 'leads-home')), /the rig's own/],
  ['the shared memory of the loop', read(home.shmDir), /is the system's own|the rig's own/],
  ['another plugin', read(join(home.pluginDir, 'other/logs')), /the rig's own/],
  ['its own manifest, to write', write('.'), /the rig's own/],
  ['what the kernel says of processes', read('/proc/self'), /is the system's own/],
  ['devices', write('/dev'), /is the system's own/],
] as const) {
  test(`${what} is granted to nobody`, () => {
    assert.match(refusal(asking(permission)), sentence)
    const granted = grantsBy({ notes: ['FileSystem'] })
    assert.deepEqual(granted.directoriesOf([asking(permission)]), [], 'and keeps nobody from starting')
  })
}
