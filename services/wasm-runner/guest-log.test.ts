import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanLine, createLineAllowance } from './guest-log.ts'

test('a line from a plugin cannot repaint the terminal, begin another line, or turn the text around', () => {
  const line = '\u001b[31mred\u001b[0m\u001b]0;title\u0007 a\r\nb\u0000c \u202egnp\u2028d'
  assert.equal(cleanLine(Buffer.from(line)), 'red a b c  gnp d')
})

test('bytes that are not UTF-8 are still shown as well as they can be', () => {
  assert.equal(cleanLine(new Uint8Array([0x6f, 0x6b, 0xff])), 'ok\ufffd')
})

test('a plugin that logs each tick gets 20 lines at once and then ten a second, and is told how many were dropped', () => {
  const lines = createLineAllowance(0)
  for (let line = 0; line < 20; line++) assert.equal(lines.ask(0).allowed, true)
  assert.equal(lines.ask(0).allowed, false)
  assert.equal(lines.ask(50).allowed, false)
  assert.deepEqual(lines.ask(100), { allowed: true, dropped: 2 })
  assert.equal(lines.ask(150).allowed, false)
})
