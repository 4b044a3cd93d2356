import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifestNamed, type Nameable, pluginNamed } from './named-plugin.ts'

const id = '00000000-0000-4000-8000-0000000000aa'
const plugin = (directory: string, part: Partial<Nameable> = {}): Nameable => ({
  ...{ directory, manifest: { id: `id of ${directory}`, name: `Name of ${directory}` }, problem: null },
  ...part,
})

test('a plugin is meant by its id, in whatever case, its directory, or its name', () => {
  const [a, b] = [plugin('a', { manifest: { id, name: 'A plugin' } }), plugin('b')]
  for (const word of [id, id.toUpperCase(), 'a', 'A plugin']) assert.equal(pluginNamed([b, a], word), a)
  assert.equal(pluginNamed([a, plugin('c', { manifest: { id: 'Action', name: 'x' } })], 'action').directory, 'c')
})

test('of two with one id the one that can run is meant, and each by its directory', () => {
  const [first, second] = [
    plugin('first', { manifest: { id, name: 'x' }, problem: 'PLUGIN_INVALID: its id is taken' }),
    plugin('second', { manifest: { id, name: 'y' } }),
  ]
  assert.equal(pluginNamed([first, second], id), second)
  assert.equal(pluginNamed([first, second], 'first'), first)
  assert.equal(pluginNamed([first], id), first)
})

test('nobody is meant by nothing, and nobody by a name that two have', () => {
  const nameless = plugin('nameless', { manifest: { id: '', name: '' } })
  const twins = ['one', 'two'].map((directory) => plugin(directory, { manifest: { id: directory, name: 'Twin' } }))
  for (const word of ['', 'ghost', '__proto__']) {
    assert.throws(() => pluginNamed([nameless, ...twins], word), {
      code: 'PLUGIN_UNKNOWN',
      message: new RegExp(`no installed plugin has the id, directory or name "${word}"; .*plugin list`),
    })
  }
  assert.throws(() => pluginNamed(twins, 'Twin'), { code: 'REQUEST_INVALID', message: /name one of one, two$/ })
})

test('one without a manifest has no id', () => {
  const broken = plugin('broken', { manifest: null, problem: 'MANIFEST_INVALID: nothing can be read' })
  assert.equal(pluginNamed([broken], 'broken'), broken)
  assert.throws(() => manifestNamed([broken], 'broken'), {
    code: 'PLUGIN_UNKNOWN',
    message: /in broken has no manifest/,
  })
})
