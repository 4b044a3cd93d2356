import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../state/database.ts'
import { createNewestVersions, newestVersionsMigration } from './newest-versions.ts'

test('the newest version of each plugin stays, whatever runs after it', () => {
  const database = openDatabase(':memory:', [newestVersionsMigration])
  const versions = createNewestVersions(database)
  assert.equal(versions.of('a'), '')
  for (const version of ['1.2.0', '1.10.0-rc.1', '1.9.0', '1.10.0', '1.10.0-rc.2']) versions.note('a', version)
  versions.note('b', '0.1.0')
  const again = createNewestVersions(database)
  assert.deepEqual([again.of('a'), again.of('b'), again.of('c')], ['1.10.0', '0.1.0', ''])
})
