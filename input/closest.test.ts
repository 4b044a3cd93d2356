import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest } from './closest.ts'

const known = ['listen', 'plugins', 'ffb', 'leds']

test('a word with one letter wrong, missing, added or swapped is recognised', () => {
  for (const word of ['lasten', 'listn', 'listten', 'lisetn', 'LISTEN', 'isten', 'listens']) {
    assert.equal(closest(word, known), 'listen', word)
  }
})

test('a word that is further away is not guessed at', () => {
  for (const word of ['', 'lsiten2', 'telemetry', 'lstn', 'ff1b2']) assert.equal(closest(word, known), undefined, word)
})
