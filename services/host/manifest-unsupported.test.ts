import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { blocksOf, readGuide, withoutGuides } from '../../test/guide.ts'
import { parseTomlManifest } from './manifest-toml.ts'
import { type Unsupported, UnsupportedPlugin } from './manifest-unsupported.ts'

function refusal(text: string): RigError {
  try {
    parseTomlManifest(text, 'plugin.toml')
  } catch (cause) {
    assert.ok(cause instanceof RigError, String(cause))
    return cause
  }
  return assert.fail('was accepted')
}

function saidBy(text: string): Unsupported {
  const refused = refusal(text)
  assert.ok(refused instanceof UnsupportedPlugin, refused.message)
  return refused.said
}

const native = `[plugin]
name = "keys"
version = "1.0.0"
author = "Somebody"
type = "action"
binary = "libkeys.so"
[plugin.capabilities]
network = true
`

const stage = `name = "Brain Waves FFT"
version = "0.2.0"
[library]
path = "libfft.so"
`

test('a native action says who it is, and that nothing here runs it', () => {
  assert.deepEqual(saidBy(native), {
    dialect: 'midimon-action-c-1',
    name: 'keys',
    version: '1.0.0',
    description: '',
    author: 'Somebody',
    license: 'unknown',
  })
  assert.match(
    refusal(native).message,
    /^PLUGIN_UNSUPPORTED: plugin\.toml describes a native MIDIMon action \(midimon-action-c-1\), which runs in an action host, and this rig has none; /,
  )
})

test('a stage of an EEG pipeline says who it is, whether it names its library, its panel, or neither', () => {
  const [head = ''] = stage.split('[library]')
  for (const text of [stage, `${head}[ui]\nbundle_path = "ui/bundle.js"\n`, head]) {
    assert.deepEqual([saidBy(text).dialect, saidBy(text).name], ['eeg-stage-1', 'Brain Waves FFT'])
  }
  assert.match(
    refusal(stage).message,
    /^PLUGIN_UNSUPPORTED: plugin\.toml describes an EEG stage \(eeg-stage-1\), which runs in a stage host, and this rig has none; /,
  )
})

test('the manifests that the guides print of both kinds are read as printed', { skip: withoutGuides }, () => {
  const printed = (guide: string, mark: string): string => {
    const block = blocksOf(readGuide(guide), 'toml').find((each) => each.includes(mark))
    assert.ok(block !== undefined, `${guide} prints one`)
    return block
  }
  assert.equal(saidBy(printed('midimon-native-plugins.md', '[plugin.capabilities]')).name, 'my_plugin')
  assert.equal(saidBy(printed('eeg-dynamic-plugins.md', '[library]')).name, 'Brain Waves FFT')
})

test('keys that nobody knows are let be, and do not make another kind of it', () => {
  assert.equal(saidBy(`${native}[library]\npath = "x.so"\n`).dialect, 'midimon-action-c-1')
  assert.equal(saidBy(`${stage}[more]\nplugin = 1\n`).dialect, 'eeg-stage-1')
})

const broken: readonly (readonly [what: string, text: string, sentence: RegExp])[] = [
  ['no version', native.replace('version = "1.0.0"', ''), /plugin\.version is missing; /],
  [
    'a kind that is none',
    native.replace('"action"', '"driver"'),
    /plugin\.type is "driver"; write one of action, trigger/,
  ],
  [
    'a library elsewhere',
    native.replace('libkeys.so', '/lib/libc.so.6'),
    /plugin\.binary is .*; write a path relative/,
  ],
  ['a table for a library', native.replace('"libkeys.so"', '{ path = "x" }'), /plugin\.binary is a map; write text/],
  [
    'a word for a capability',
    native.replace('true', '"yes"'),
    /plugin\.capabilities\.network is "yes"; write true or false/,
  ],
  ['a name that repaints the terminal', stage.replace('Brain', '\\u001b[2J'), /name is .*; write 1 to 128 characters/],
  ['a library elsewhere', stage.replace('libfft.so', '../libfft.so'), /library\.path is .*without \.\. in it/],
  ['a panel elsewhere', `${stage}[ui]\nbundle_path = "/etc/passwd"\n`, /ui\.bundle_path is .*; write a path relative/],
]

for (const [what, text, sentence] of broken) {
  test(`a manifest of either kind with ${what} is invalid, and not only unsupported`, () => {
    const refused = refusal(text)
    assert.equal(refused.code, 'MANIFEST_INVALID')
    assert.match(refused.detail, sentence)
  })
}
