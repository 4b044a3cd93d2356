import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseParameters } from './parameter-block.ts'

const hex = (text: string): string => Buffer.from(parseParameters(text)).toString('hex')

test('a block is its values, little-endian, one behind the other', () => {
  assert.equal(hex('u32:640,u32:480'), '80020000e0010000')
  assert.equal(hex('i8:-1, u8:255, i16:-2, u16:0xffee'), 'fffffeffeeff')
  assert.equal(hex('f32:1.5,f64:-2'), '0000c03f00000000000000c0')
  assert.equal(hex('u64:18446744073709551615,i64:-1,i32:-3'), `${'f'.repeat(32)}fdffffff`)
})

test('what does not fit, or is no value, is refused with the value and what it should be', () => {
  for (const [text, sentence] of [
    ['u8:256', /256 does not fit into u8/],
    ['i32:-2147483649', /does not fit into i32/],
    ['u16:-1', /-1 does not fit into u16/],
    ['u32:1.5', /"1\.5" is not a whole number/],
    ['f32:x', /"x" is not a number/],
    ['f32:', /"" is not a number/],
    ['640', /"640" is not type:value; the types are u8, i8/],
    ['constructor:1', /is not type:value/],
    ['', /"" is not type:value/],
  ] as const)
    assert.throws(() => parseParameters(text), sentence, text)
})

test('@FILE is the bytes of a file, and a file that is not there is named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-block-'))
  try {
    writeFileSync(join(directory, 'block'), 'abc')
    assert.equal(hex(`@${join(directory, 'block')}`), '616263')
    assert.throws(() => parseParameters(`@${join(directory, 'none')}`), /none cannot be read \(ENOENT/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
