import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPostOffice } from './mailbox.ts'

test('messages are taken in the order in which they were sent', () => {
  const mail = createPostOffice()
  mail.open('a')
  assert.equal(mail.send('a', Buffer.from('one')), true)
  assert.equal(mail.send('a', Buffer.from('two')), true)
  assert.equal(String(Buffer.from(mail.peek('a')!)), 'one')
  mail.take('a')
  assert.equal(String(Buffer.from(mail.peek('a')!)), 'two')
})

test('a plugin without a mailbox, a full mailbox and a message that is too long are refused', () => {
  const mail = createPostOffice()
  assert.equal(mail.send('nobody', Buffer.from('x')), false)
  mail.open('a')
  assert.equal(mail.send('a', new Uint8Array(1025)), false)
  for (let sent = 0; sent < 16; sent++) assert.equal(mail.send('a', Buffer.from('x')), true)
  assert.equal(mail.send('a', Buffer.from('x')), false)
})

test('what is sent is what was there at the time, and what nobody took goes with its reader', () => {
  const mail = createPostOffice()
  mail.open('a')
  const message = Buffer.from('x')
  mail.send('a', message)
  message[0] = 0
  assert.equal(mail.peek('a')?.[0], 0x78)
  mail.close('a')
  mail.open('a')
  assert.equal(mail.peek('a'), undefined)
})
