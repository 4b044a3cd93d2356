import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { refuseDuplicates, scanPlugins } from './registry.ts'

const manifest = (id: string): string => `
id: ${id}
name: Some plugin
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: Safe
capabilities: []
operations: []
constraints: { max_execution_time_us: 1000, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

function pluginDirectory() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-registry-'))
  const plugins = join(root, 'plugins')
  mkdirSync(plugins)
  return {
    root,
    plugins,
    scan: () => refuseDuplicates(scanPlugins(plugins)),
    add: (name: string, text: string, below = plugins) => {
      mkdirSync(join(below, name), { recursive: true })
      writeFileSync(join(below, name, 'plugin.yaml'), text)
      return join(below, name)
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  }
}

test('the plugins of a directory are listed in the order of their names', () => {
  using it = pluginDirectory()
  for (const name of ['zebra', 'alpha', 'middle']) it.add(name, manifest(randomUUID()))
  const found = it.scan()
  assert.deepEqual(
    found.map((plugin) => [plugin.directory, plugin.problem, plugin.manifest?.name]),
    ['alpha', 'middle', 'zebra'].map((name) => [name, null, 'Some plugin']),
  )
})

test('what is no plugin is not listed', () => {
  using it = pluginDirectory()
  it.add('.hidden', manifest(randomUUID()))
  mkdirSync(join(it.plugins, 'empty'))
  writeFileSync(join(it.plugins, 'plugin.yaml'), manifest(randomUUID()))
  assert.deepEqual(it.scan(), [])
})

test('a plugin with a broken manifest is listed with what is wrong, and the others are not touched', () => {
  using it = pluginDirectory()
  it.add('broken', 'id: 5\n')
  it.add('garbage', '\u0000\u0001 {{{')
  it.add('healthy', manifest(randomUUID()))
  const [broken, garbage, healthy] = it.scan()
  assert.match(broken?.problem ?? '', /broken\/plugin\.yaml/)
  assert.equal(broken?.manifest, null)
  assert.match(garbage?.problem ?? '', /garbage\/plugin\.yaml/)
  assert.equal(healthy?.problem, null)
})

test('of two plugins with one id the second is refused, and the sentence names the first', () => {
  using it = pluginDirectory()
  const id = randomUUID()
  for (const name of ['b', 'a', 'c']) it.add(name, manifest(id))
  const [a, b, c] = it.scan()
  assert.equal(a?.problem, null)
  for (const refused of [b, c]) assert.match(refused?.problem ?? '', /is that of the plugin in a;/)
})

test('a link that leads out of the plugin directory is refused', () => {
  using it = pluginDirectory()
  const outside = it.add('elsewhere', manifest(randomUUID()), it.root)
  symlinkSync(outside, join(it.plugins, 'linked'))
  it.add('half', manifest(randomUUID()))
  rmSync(join(it.plugins, 'half', 'plugin.yaml'))
  symlinkSync(join(outside, 'plugin.yaml'), join(it.plugins, 'half', 'plugin.yaml'))
  it.add('config', manifest(randomUUID()))
  writeFileSync(join(it.root, 'config.json'), '{}')
  symlinkSync(join(it.root, 'config.json'), join(it.plugins, 'config', 'config.json'))
  const found = it.scan()
  assert.equal(found.length, 3)
  for (const { directory, problem } of found) assert.match(problem ?? '', /is a link to .* outside /, directory)
})

test('a link to nowhere is listed with the link to remove, in place of a directory, a manifest or a config.json', () => {
  using it = pluginDirectory()
  symlinkSync('/nowhere/a', join(it.plugins, 'a'))
  mkdirSync(join(it.plugins, 'b'))
  symlinkSync('/nowhere/b', join(it.plugins, 'b', 'plugin.yaml'))
  symlinkSync('/nowhere/c', join(it.add('c', manifest(randomUUID())), 'config.json'))
  const found = it.scan()
  assert.deepEqual(
    found.map(({ directory }) => directory),
    ['a', 'b', 'c'],
  )
  for (const { directory, problem } of found) {
    const sentence = new RegExp(
      `^FILE_MISSING: .* is a link to /nowhere/${directory}, which does not exist; remove the link$`,
    )
    assert.match(problem ?? '', sentence)
  }
})

test('a directory whose name would repaint the terminal is listed on one line and refused', () => {
  using it = pluginDirectory()
  it.add('two\nlines\u001b[2J', manifest(randomUUID()))
  const [found] = it.scan()
  assert.equal(found?.directory, 'two\\x0alines\\x1b[2J')
  assert.match(
    found?.problem ?? '',
    /^MANIFEST_INVALID: the directory .*two\\x0alines\\x1b\[2J has a name of .*; rename it$/,
  )
})

test('a module that nothing describes and whose name would repaint the terminal is refused on one line', () => {
  using it = pluginDirectory()
  mkdirSync(join(it.plugins, 'odd'))
  writeFileSync(join(it.plugins, 'odd', 'x\u001b[2J\u202e.wasm'), '')
  assert.match(
    it.scan()[0]?.problem ?? '',
    /^MANIFEST_INVALID: .*odd has the module x\\x1b\[2J\\u\{202e\}\.wasm and no manifest; rename the module/,
  )
})

const toml = '[plugin]\nname = "Keys"\nversion = "1.0.0"\n[binary]\npath = "keys.wasm"\n'

test('a plugin is described by plugin.toml, or by nothing but the one module in its directory', () => {
  using it = pluginDirectory()
  for (const name of ['midimon', 'resize', 'two', 'a name']) mkdirSync(join(it.plugins, name))
  writeFileSync(join(it.plugins, 'midimon', 'plugin.toml'), toml)
  for (const file of ['resize/resize.wasm', 'two/a.wasm', 'two/b.wasm', 'a name/x.wasm'])
    writeFileSync(join(it.plugins, file), '')
  const found = new Map(it.scan().map((plugin) => [plugin.directory, plugin]))
  const keys = found.get('midimon')?.manifest
  assert.deepEqual([keys?.id, keys?.artefact, keys?.onCall], ['keys', 'keys.wasm', { stateful: false }])
  const resize = found.get('resize')?.manifest
  assert.deepEqual([resize?.id, resize?.name, resize?.artefact], ['resize', 'resize', 'resize.wasm'])
  assert.match(
    found.get('two')?.problem ?? '',
    /^MANIFEST_INVALID: .*two has no manifest and more than one module; keep one/,
  )
  assert.match(
    found.get('a name')?.problem ?? '',
    /^MANIFEST_INVALID: .*its name is the plugin's; write 1 to 64 letters/,
  )
})

test('a plugin of a kind that this version does not run is listed with that and with what it says of itself', () => {
  using it = pluginDirectory()
  mkdirSync(join(it.plugins, 'stage'))
  writeFileSync(join(it.plugins, 'stage', 'plugin.toml'), 'name = "x"\nversion = "1.0.0"\n[library]\npath = "x.so"\n')
  const [found] = it.scan()
  assert.match(found?.problem ?? '', /^PLUGIN_UNSUPPORTED: .*EEG stage/)
  assert.deepEqual([found?.manifest, found?.unsupported?.name, found?.unsupported?.version], [null, 'x', '1.0.0'])
})

test('a library that nothing describes is listed as that, and a module beside it is the plugin', () => {
  using it = pluginDirectory()
  for (const name of ['library', 'both']) {
    mkdirSync(join(it.plugins, name))
    writeFileSync(join(it.plugins, name, 'libx.so'), '')
  }
  writeFileSync(join(it.plugins, 'both', 'x.wasm'), '')
  const [both, library] = it.scan()
  assert.deepEqual([both?.manifest?.artefact, both?.problem], ['x.wasm', null])
  assert.match(
    library?.problem ?? '',
    /^MANIFEST_INVALID: .*library has the native library libx\.so and no manifest; write a plugin\.yaml/,
  )
})
