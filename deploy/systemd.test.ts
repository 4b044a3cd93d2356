import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const unit = readFileSync(new URL('systemd/openracing.service', import.meta.url), 'utf8')
const root = fileURLToPath(new URL('..', import.meta.url))
const skip =
  spawnSync('systemd-analyze', ['--version']).error !== undefined &&
  'systemd-analyze is not installed (apt-get install systemd)'

test('systemd finds nothing to complain of in the unit', { skip }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-unit-'))
  t.after(() => rmSync(directory, { recursive: true }))
  // As it is where it was installed: what it starts has to be there.
  const file = join(directory, 'openracing.service')
  writeFileSync(file, unit.replaceAll('/usr/lib/openracing', root.replace(/\/$/, '')))
  mkdirSync(join(directory, 'wants'))
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('openracing'))
  assert.deepEqual(about, [])
  assert.equal(status, 0, stderr)
})
