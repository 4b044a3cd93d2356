import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const sdk = new URL('assemblyscript/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, sdk), 'utf8')
const manifest = JSON.parse(read('package.json'))

test('what is published as @openracing/plugin is the sources, the options, and the licence', () => {
  const pack = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const [packed] = JSON.parse(
    execFileSync('npm', pack, { cwd: fileURLToPath(sdk), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  assert.equal(packed.name, '@openracing/plugin')
  assert.deepEqual(
    packed.files.map(({ path }: { path: string }) => path).sort(),
    [
      'LICENSE',
      'README.md',
      'asconfig.json',
      ...['abi', 'action', 'config', 'host', 'http', 'index', 'json', 'telemetry', 'zenith'].map(
        (name) => `assembly/${name}.ts`,
      ),
      'package.json',
    ].sort(),
  )
  assert.equal(read('LICENSE'), readFileSync(new URL('../LICENSE', import.meta.url), 'utf8'))
})

test('everything that the package exports is there', () => {
  for (const path of [manifest.types, ...Object.values<string>(manifest.exports)]) {
    assert.ok(existsSync(new URL(path, sdk)), path)
  }
})
