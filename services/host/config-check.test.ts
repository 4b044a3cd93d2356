import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openConfigCheck } from './config-check.ts'

const schemas: readonly (readonly [what: string, isPlain: boolean, schema: object])[] = [
  ['types, bounds and defaults', true, { properties: { a: { type: 'integer', maximum: 9, default: 1 } } }],
  ['a default of each item', false, { properties: { a: { type: 'array', items: { default: 1 } } } }],
  ['a default in each item', false, { properties: { a: { items: { properties: { b: { default: 1 } } } } } }],
  ['a default of each value', false, { additionalProperties: { properties: { b: { default: 1 } } } }],
  ['an expression', false, { properties: { a: { pattern: 'a+' } } }],
  ['more than 16 KiB', false, { title: 'x'.repeat(17_000) }],
]

for (const [what, isPlain, schema] of schemas) {
  test(`a schema with ${what} is checked ${isPlain ? 'at once' : 'by the thread'}`, async () => {
    const configs = openConfigCheck()
    await configs.close() // from now on there is no thread
    const checked = configs.check({ schema, config: {} })
    if (isPlain) assert.deepEqual(await checked, { config: { a: 1 }, mismatches: [] })
    else await assert.rejects(checked, { code: 'SERVICE_UNAVAILABLE' })
  })
}
