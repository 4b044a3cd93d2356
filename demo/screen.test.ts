import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, centredBar, drawLeds } from './screen.ts'

test('a bar fills to an eighth of a cell and never beyond its width', () => {
  assert.equal(bar(0, 4), '    ')
  assert.equal(bar(0.5, 4), '██  ')
  assert.equal(bar(0.53125, 4), '██▏ ')
  assert.equal(bar(7, 4), '████')
  assert.equal(bar(-1, 4), '    ')
})

test('torque to the left grows to the left', () => {
  assert.equal(centredBar(-0.5, 4), '  ██│    ')
  assert.equal(centredBar(1, 4), '    │████')
  assert.equal(centredBar(0, 2), '  │  ')
})

test('LEDs that are lit are dots in their colour, those that are not are small', () => {
  const frame = { sequence: 1n, brightness: 1, durationMs: 50, rgb: Buffer.from([255, 0, 0, 0, 0, 0, 0, 255, 0]) }
  assert.equal(drawLeds(frame, { colour: false }), '●·●')
  assert.equal(drawLeds(frame, { colour: true }), '\x1b[38;2;255;0;0m●\x1b[0m · \x1b[38;2;0;255;0m●\x1b[0m')
  assert.equal(drawLeds(undefined, { colour: false }), '-')
})
