import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideInstall, directoryNameOf, parseDirectoryName } from './install-decision.ts'

const offer = (version: string, installed?: string) => ({
  name: 'leds',
  version,
  installed: installed === undefined ? undefined : { directory: 'leds', version: installed },
})
const plainly = { force: false, upgradeOnly: false }

test('versions are compared as semantic versions are, and not as text', () => {
  assert.equal(decideInstall(offer('1.0.0'), plainly), 'install')
  for (const [version, installed] of [
    ['1.10.0', '1.9.0'],
    ['1.0.0', '1.0.0-rc.1'],
    ['1.0.0-rc.10', '1.0.0-rc.9'],
  ] as const) {
    assert.equal(decideInstall(offer(version, installed), plainly), 'upgrade')
    const refusal = { code: 'PLUGIN_INSTALLED', message: /older than the installed/ }
    assert.throws(() => decideInstall(offer(installed, version), plainly), refusal)
  }
})

test('what is not newer, or nobody can tell, is installed when somebody insists', () => {
  const refused: readonly (readonly [version: string, installed: string, reason: RegExp])[] = [
    ['1.0.0', '1.0.0', /of version 1\.0\.0, which is installed already; give --force/],
    ['1.0.0+2', '1.0.0+1', /of version 1\.0\.0\+2, which is the installed 1\.0\.0\+1 in another build/],
    ['0.9.0', '1.0.0', /go back with `wheelctl plugin rollback`, or give --force/],
    ['1.0', '1.0.0', /which of that and the installed 1\.0\.0 is newer cannot be told/],
    ['', '', /leds without a version, which is installed already/],
    ['1.0.0', '', /the installed one without a version is newer cannot be told/],
  ]
  for (const [version, installed, message] of refused) {
    assert.throws(() => decideInstall(offer(version, installed), plainly), { code: 'PLUGIN_INSTALLED', message })
    assert.equal(decideInstall(offer(version, installed), { ...plainly, force: true }), 'upgrade')
  }
})

test('an upgrade of nothing is refused, also when somebody insists', () => {
  const refusal = { code: 'PLUGIN_UNKNOWN', message: /leds is not installed/ }
  assert.throws(() => decideInstall(offer('1.0.0'), { force: true, upgradeOnly: true }), refusal)
})

test('a name becomes one of a directory, or is refused', () => {
  for (const [name, directory] of [
    ['RPM LEDs', 'rpm-leds'],
    ['  .hidden', 'hidden'],
    ['Äpfel & Öl', 'apfel-ol'],
    ['../../etc', 'etc'],
    ['a'.repeat(100), 'a'.repeat(64)],
  ] as const) {
    assert.equal(directoryNameOf(name), directory)
  }
  assert.throws(() => directoryNameOf('☃'), { code: 'REQUEST_INVALID', message: /give one with --name/ })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      try {
        return parseDirectoryName(directoryNameOf(name)) !== ''
      } catch (cause) {
        return (cause as { readonly code?: string }).code === 'REQUEST_INVALID' && !/[a-z0-9]/.test(name)
      }
    }),
  )
  for (const name of ['', '.x', 'A', 'a/b', 'a'.repeat(65), '-a', 'a\n', 'ä']) {
    assert.throws(() => parseDirectoryName(name), { code: 'REQUEST_INVALID', message: /give 1 to 64 small letters/ })
  }
})
