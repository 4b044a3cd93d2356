import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { readArtefact } from './artefact.ts'

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'artefact-'))
})
after(() => rm(directory, { recursive: true }))

const refusal = (path: string, sha256: string): Promise<RigError> =>
  readArtefact(path, sha256).then(
    () => assert.fail('it was read'),
    (cause) => (cause instanceof RigError ? cause : assert.fail(String(cause))),
  )

test('the bytes that were verified are read, and others are refused', async () => {
  const path = join(directory, 'plugin.wasm')
  await writeFile(path, 'verified')
  const sha256 = createHash('sha256').update('verified').digest('hex')
  assert.equal(String(Buffer.from(await readArtefact(path, sha256))), 'verified')
  await writeFile(path, 'replaced')
  assert.equal((await refusal(path, sha256)).code, 'PLUGIN_UNTRUSTED')
})

test('a file that is not there, and a directory in its place, are missing', async () => {
  assert.equal((await refusal(join(directory, 'nothing.wasm'), '')).code, 'FILE_MISSING')
  assert.equal((await refusal(directory, '')).code, 'FILE_MISSING')
})

test('a pipe that nobody writes to is refused, and not waited for', async () => {
  const path = join(directory, 'pipe.wasm')
  execFileSync('mkfifo', [path])
  assert.match((await refusal(path, '')).message, /is not a file; send the path of the module/)
})

test('a file above 64 MiB is refused before it is read', async () => {
  const path = join(directory, 'huge.wasm')
  await writeFile(path, '')
  await truncate(path, (64 << 20) + 1)
  const { code, message } = await refusal(path, '')
  assert.equal(code, 'PLUGIN_INVALID')
  assert.match(message, /67108865 bytes/)
})
