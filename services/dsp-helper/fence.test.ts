import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

test('the kernel says what is round the process of a plugin that runs', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  await until('it is called', () => executions(rig, 'inverts') > 10n)
  const { pid } = pluginOf(rig, 'inverts')
  const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1')

  const status = Object.fromEntries(
    read('status')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/:\s+/) as [string, string]),
  )
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status[set] ?? '', /^0+$/, set)
  assert.deepEqual([status.NoNewPrivs, status.Seccomp, status.Threads], ['1', '2', '1'])
  const ours = /^Seccomp_filters:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
  assert.equal(Number(status.Seccomp_filters), Number(ours) + 2)
  assert.equal(read('environ'), '', 'nothing of what the operator has in the environment')

  // Field 19 of /proc/PID/stat, the 17th behind the name: for frames that it finishes without the loop's priority.
  const nice = read('stat')
    .slice(read('stat').lastIndexOf(')') + 2)
    .split(' ')[16]
  if (process.getuid?.() === 0) assert.equal(nice, '-20')

  const limitOf = (name: string): readonly string[] =>
    new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(read('limits'))?.slice(1) ?? []
  assert.deepEqual(limitOf('Max open files'), ['16', '16'])
  assert.deepEqual(limitOf('Max processes'), ['0', '0'])
  assert.deepEqual(limitOf('Max file size'), ['0', '0'])
  assert.deepEqual(limitOf('Max core file size'), ['0', '0'])
  assert.deepEqual(limitOf('Max stack size'), ['1048576', '1048576'])
  assert.deepEqual(limitOf('Max realtime timeout'), ['10000', '100000'])
  for (const bounded of ['Max address space', 'Max data size'])
    assert.match(limitOf(bounded)[1] ?? '', /^\d+$/, bounded)
})
