import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decision, decide, type Finding } from './policy.ts'

// The table of the contract, row by row: require_signatures, allow_unsigned, and what becomes of each finding.
const table: readonly (readonly [require: boolean, allow: boolean, Readonly<Record<Finding, Decision>>])[] = [
  [
    true,
    false,
    { unsigned: 'refuse', trusted: 'load', 'unknown key': 'refuse', 'bad proof': 'refuse', distrusted: 'refuse' },
  ],
  [
    true,
    true,
    {
      unsigned: 'load with warning',
      trusted: 'load',
      'unknown key': 'refuse',
      'bad proof': 'refuse',
      distrusted: 'refuse',
    },
  ],
  [
    false,
    true,
    {
      unsigned: 'load with warning',
      trusted: 'load',
      'unknown key': 'load with warning',
      'bad proof': 'refuse',
      distrusted: 'refuse',
    },
  ],
  [
    false,
    false,
    { unsigned: 'refuse', trusted: 'load', 'unknown key': 'refuse', 'bad proof': 'refuse', distrusted: 'refuse' },
  ],
]

for (const [requireSignatures, allowUnsigned, row] of table) {
  for (const [finding, decision] of Object.entries(row)) {
    test(`with require_signatures ${requireSignatures} and allow_unsigned ${allowUnsigned}, ${finding} means ${decision}`, () => {
      assert.equal(decide(finding as Finding, { requireSignatures, allowUnsigned }).decision, decision)
    })
  }
}

test('a consequence names the mode, and a refusal says what to do', () => {
  const strict = { requireSignatures: true, allowUnsigned: false }
  assert.match(
    decide('unsigned', strict).consequence,
    /^strict mode refuses it: sign it, or set plugins\.native\.allow/,
  )
  assert.match(decide('unsigned', { requireSignatures: false, allowUnsigned: true }).consequence, /development mode/)
  assert.match(decide('unsigned', { requireSignatures: true, allowUnsigned: true }).consequence, /permissive mode/)
})
