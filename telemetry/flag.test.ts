import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagBit, packFlags } from './flag.ts'

test('the flags have the bits 0 to 18 in the order of the contract', () => {
  assert.deepEqual(
    Object.values(flagBit),
    Array.from({ length: 19 }, (_, bit) => 2 ** bit),
  )
})

test('a flag that the game does not send is neither set nor known', () => {
  const packed = packFlags({ red: true, sessionPaused: false, blue: undefined })
  assert.deepEqual(packed, { flags: flagBit.red, knownFlags: flagBit.red | flagBit.sessionPaused })
})
