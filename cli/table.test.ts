import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, table } from './table.ts'

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  assert.equal(
    table([
      ['NAME', 'STATE'],
      ['lowpass', 'running'],
      ['x', ''],
    ]),
    'NAME     STATE\nlowpass  running\nx\n',
  )
})

test('a cell neither breaks nor turns nor repaints its line', () => {
  assert.equal(table([['A'], ['x\n\u001b[2J\u202e']]), 'A\nx\\x0a\\x1b[2J\\u{202e}\n')
})

test('JSON has counters as numbers where they are exact, and as text where they are not', () => {
  assert.equal(json({ small: 5n, large: 2n ** 60n }), '{"small":5,"large":"1152921504606846976"}\n')
})
