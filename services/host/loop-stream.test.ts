import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rigStatus as layout, rigStatusBytes } from '../../gen/layout.ts'
import { watchLoop } from './loop-stream.ts'

/** A loop that ticks once a millisecond of a clock of the test's own. */
function rig() {
  let nowNs = 0n
  const pass = (ms: number): void => {
    nowNs += BigInt(ms) * 1_000_000n
  }
  const snapshot = (): Buffer => {
    const bytes = Buffer.alloc(rigStatusBytes)
    bytes.writeBigUInt64LE(nowNs / 1_000_000n, layout.ticks.offset)
    return bytes
  }
  const needs = { status: { snapshot }, owners: { list: async () => [] }, nowNs: () => nowNs }
  return { pass, watch: (intervalMs: number, signal: AbortSignal) => watchLoop(needs, { intervalMs }, signal) }
}

test('intervals follow each other without a gap, and a reader that was slow loses what happened meanwhile', async () => {
  const it = rig()
  const ended = new AbortController()
  const stream = it.watch(10, ended.signal)
  const next = async (passMs: number): Promise<bigint | undefined> => {
    const coming = stream.next()
    it.pass(passMs)
    const { value } = await coming
    return value === undefined ? undefined : value.interval?.ticks
  }
  assert.equal(await next(10), 10n)
  assert.equal(await next(12), 12n)
  it.pass(7) // less than an interval: nothing is lost
  assert.equal(await next(5), 12n)
  it.pass(500)
  assert.equal(await next(10), 10n)
  ended.abort()
  await assert.rejects(stream.next(), { name: 'AbortError' })
})

test('an interval out of bounds is refused', async () => {
  const { signal } = new AbortController()
  for (const intervalMs of [1, 9, 10_001]) {
    await assert.rejects(rig().watch(intervalMs, signal).next(), { code: 'REQUEST_INVALID' })
  }
})
