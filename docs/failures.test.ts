import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exitCodeFor, type FailureCode, failures, RigError } from '../rpc/failure.ts'
import { statusNameOf } from '../rpc/status.ts'

const page = readFileSync(new URL('failures.md', import.meta.url), 'utf8')
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
)

test('every failure has a section that tells its status and its exit code, and every section is of a failure', () => {
  assert.deepEqual([...sections.keys()].sort(), Object.keys(failures).sort())
  for (const [code, section] of sections) {
    const exitCode = exitCodeFor(new RigError(code as FailureCode, ''))
    const fate = `gRPC ${statusNameOf(code as FailureCode)}, exit ${exitCode}.`
    assert.ok(section.includes(fate), `${code}: ${fate}`)
  }
})
