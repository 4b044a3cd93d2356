import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startRig } from './rig.ts'

const client = fileURLToPath(new URL('client.py', import.meta.url))
const contracts = fileURLToPath(new URL('../../gen/contracts.binpb', import.meta.url))

/** A Python that has grpcio: Debian's, where another one is in front of it. */
const python = ['python3', '/usr/bin/python3'].find(
  (each) => spawnSync(each, ['-c', 'import grpc, google.protobuf']).status === 0,
)
const skip =
  python === undefined && "Python's grpcio is not installed (apt-get install python3-grpcio python3-protobuf)"

test("a program with Python's grpcio uses every kind of call, health, reflection and the details of failures", {
  skip,
  timeout: 120_000,
}, async () => {
  await using rig = await startRig()
  const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
  const { stdout } = await promisify(execFile)(python as string, [client, contracts, port])
  const found = JSON.parse(stdout)
  assert.equal(found.health, 1)
  assert.ok(found.services.includes('openracing.v1.RigService'))
  assert.ok(found.services.includes('grpc.health.v1.Health'))
  assert.ok(found.plugins.includes('lowpass'), found.plugins.join())
  const [first, second, third] = found.ticks
  assert.ok(first < second && second < third, found.ticks.join())
  assert.equal(found.published, 10)
  const info = (reason: string) => ({ 'google.rpc.ErrorInfo': { reason, domain: 'openracing' } })
  assert.deepEqual(found.unknown, { code: 'NOT_FOUND', details: info('PLUGIN_UNKNOWN') })
  assert.equal(found.invalid.code, 'INVALID_ARGUMENT')
  const [violation] = found.invalid.details['google.rpc.BadRequest'].field_violations
  assert.equal(violation.field, 'page_size')
  assert.match(violation.description, /^page_size is 100000; the most is \d+$/)
  assert.deepEqual(found.forbidden, { code: 'PERMISSION_DENIED', details: info('PERMISSION_DENIED') })
})
