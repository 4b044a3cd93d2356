import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isBelow, resolveArtefact } from './manifest-artefact.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'openracing-artefact-')))
after(() => rmSync(root, { recursive: true }))
const plugin = join(root, 'plugin')
mkdirSync(join(plugin, 'build'), { recursive: true })
mkdirSync(join(root, 'plugin-two'))
writeFileSync(join(root, 'plugin-two', 'secret.so'), 'x')
writeFileSync(join(plugin, 'build', 'a.so'), 'x')

test('an artefact in the plugin directory, and a link to it from there, resolve to the file', () => {
  symlinkSync('build/a.so', join(plugin, 'link.so'))
  assert.equal(resolveArtefact(plugin, 'build/a.so'), join(plugin, 'build', 'a.so'))
  assert.equal(resolveArtefact(plugin, 'link.so'), join(plugin, 'build', 'a.so'))
})

test('a plugin directory that is itself a link is as good as any other', () => {
  symlinkSync(plugin, join(root, 'linked'))
  assert.equal(resolveArtefact(join(root, 'linked'), 'build/a.so'), join(plugin, 'build', 'a.so'))
})

test('a link that leads out of the plugin directory is refused, at the end of the path and inside it', () => {
  symlinkSync(join(root, 'plugin-two', 'secret.so'), join(plugin, 'out.so'))
  symlinkSync(join(root, 'plugin-two'), join(plugin, 'outer'))
  for (const artefact of ['out.so', 'outer/secret.so']) {
    assert.throws(() => resolveArtefact(plugin, artefact), { code: 'MANIFEST_INVALID', message: /which is outside/ })
  }
})

test('an artefact that is not there is FILE_MISSING', () => {
  assert.throws(() => resolveArtefact(plugin, 'none.so'), { code: 'FILE_MISSING' })
})

test('a directory with the same beginning is not inside', () => {
  assert.equal(isBelow('/a/plugin', '/a/plugin-two/x'), false)
  assert.equal(isBelow('/a/plugin', '/a/plugin'), false)
  assert.equal(isBelow('/a/plugin', '/a/plugin/..x'), true)
  assert.equal(isBelow('/a/plugin', '/a'), false)
})
