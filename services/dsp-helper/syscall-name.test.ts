import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { syscallName } from './syscall-name.ts'

test('every system call that the headers of this machine know has the same name here', () => {
  const defined = execFileSync('cc', ['-E', '-dM', '-include', 'sys/syscall.h', '-x', 'c', '/dev/null'], {
    encoding: 'utf8',
  })
  const calls = [...defined.matchAll(/^#define __NR_(\w+) (\d+)$/gm)]
  assert.ok(calls.length > 250)
  for (const [, name, number] of calls) assert.equal(syscallName(Number(number)), `${name}()`)
})

test('a call is named by the machine, and one that nobody knows by its number', () => {
  assert.equal(syscallName(42, 'x64'), 'connect()')
  assert.equal(syscallName(203, 'arm64'), 'connect()')
  assert.equal(syscallName(435, 'arm64'), 'clone3()')
  for (const number of [250, 400, 9999, -1]) assert.equal(syscallName(number, 'arm64'), `system call ${number}`)
})
