import assert from 'node:assert/strict'
import { test } from 'node:test'
import { darkFrame, shownFrame } from './led-frame.ts'

function drawn(count: number, brightness: number): Uint8Array {
  const frame = darkFrame(15).fill(0xff, 12)
  new DataView(frame.buffer).setUint32(0, count, true)
  new DataView(frame.buffer).setFloat32(4, brightness, true)
  return frame
}

const brightnessOf = (frame: Uint8Array | undefined): number => new DataView(frame!.buffer).getFloat32(4, true)

test('a plugin cannot draw more LEDs than the rim has', () => {
  assert.equal(shownFrame(drawn(16, 1), 15), undefined)
  assert.equal(shownFrame(drawn(0xffff_ffff, 1), 15), undefined)
  assert.notEqual(shownFrame(drawn(15, 1), 15), undefined)
})

test('brightness is brought within 0..1, and what is no number is dark', () => {
  assert.deepEqual(
    [2, -1, Number.NaN, 0.5].map((brightness) => brightnessOf(shownFrame(drawn(15, brightness), 15))),
    [1, 0, 0, 0.5],
  )
})

test('what lies behind the last LED and in the reserved word is not shown', () => {
  const frame = shownFrame(drawn(2, 1), 15)!
  assert.deepEqual([...frame.subarray(12, 16)], [0, 0, 0, 0])
  assert.deepEqual([...frame.subarray(16, 24)], [255, 255, 255, 255, 255, 255, 0, 0])
})
