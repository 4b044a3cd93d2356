import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

/** Keeps every core busy, twice over, at the priority of any program, until it is disposed of. */
function loadCores(): AsyncDisposable {
  const spins = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }),
  )
  return {
    [Symbol.asyncDispose]: async () => {
      for (const spin of spins) spin.kill('SIGKILL')
      await Promise.all(spins.map((spin) => spin.exitCode ?? spin.signalCode ?? once(spin, 'exit')))
    },
  }
}

test('while every core has other work a plugin that does its own is charged with nothing', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  await using _load = loadCores()
  const before = executions(rig, 'inverts')
  await until('it has answered for two seconds', () => executions(rig, 'inverts') > before + 2000n)
  const { violations, statistics } = pluginOf(rig, 'inverts')
  assert.deepEqual(violations, [])
  assert.equal(statistics?.budgetViolations, 0n)
  assert.equal(statistics?.restarts, 0)
})
