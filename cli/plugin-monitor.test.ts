import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Plugin, PluginState } from '../gen/proto/openracing/v1/plugin.ts'
import type { PluginStatistics } from '../gen/proto/openracing/v1/statistics.ts'
import { intervalOf } from './plugin-monitor.ts'

const look = (atMs: number, executions: bigint, failures: bigint, fast = executions) => ({
  atMs,
  plugin: Plugin.fromPartial({
    name: 'lowpass',
    state: PluginState.PLUGIN_STATE_RUNNING,
    statistics: {
      ...{ executions, failures },
      cpu: { buckets: [{ upperBoundNs: 2000n, count: fast }], maxNs: 2000n },
    } satisfies Partial<PluginStatistics>,
  }),
})

test('an interval has what was counted in it, and calls a second by the time that it took', () => {
  const { plugin, state, executions, callsPerSecond, failures, cpuUs } = intervalOf(
    look(0, 100n, 3n),
    look(500, 600n, 4n),
  )
  assert.deepEqual([plugin, state, executions, callsPerSecond, failures], ['lowpass', 'running', 500, 1000, 1])
  assert.equal(cpuUs.p50, 2)
})

test('counters that began anew within an interval are counted from their beginning', () => {
  const { executions, failures } = intervalOf(look(0, 100n, 3n), look(1000, 40n, 0n))
  assert.deepEqual([executions, failures], [40, 0])
})
