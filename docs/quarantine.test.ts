import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { conductNumbers, standardPolicy, thresholdsOf } from '../services/host/conduct-policy.ts'

const page = readFileSync(new URL('quarantine.md', import.meta.url), 'utf8')
const cells = (row: string): readonly string[] => row.slice(2, -2).split(' | ')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map(cells)

test('every number of the quarantine policy is on the page, with its default and its bounds', () => {
  const told = rows.filter(([key = '']) => key.startsWith('`'))
  const known = Object.entries(conductNumbers).map(([name, { default: standard, minimum, maximum }]) => [
    `\`${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}\``,
    ...[standard, minimum, maximum].map(String),
  ])
  assert.deepEqual(told, known)
})

test('every kind that counts is on the page, with its threshold', () => {
  for (const [kind, threshold] of Object.entries(thresholdsOf(standardPolicy)))
    assert.equal(rows.find(([word]) => word === kind)?.[2], `${threshold}`, kind)
})
