import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Plugin, PluginClass, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { Rig } from '../../gen/proto/openracing/v1/rig.ts'
import { Histogram, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { createMetrics } from '../../rpc/metrics.ts'
import { createHistogram } from '../../shm/histogram.ts'
import type { PluginConduct } from './conduct-standing.ts'
import { histogramSamples, pluginsMax, type RigNow, rigFamilies } from './rig-metrics.ts'

const valueIn = (now: RigNow, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
  rigFamilies(now)
    .find((family) => family.name === name)
    ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels?.[key] === value))?.value

const plugin = (id: string, part: Partial<Plugin> = {}): Plugin =>
  Plugin.fromPartial({ id, name: `Plugin "${id}"\n`, directory: id, version: '1.0.0', ...part })

const nothing: RigNow = { rig: Rig.fromPartial({}), plugins: [], conducts: [], services: [] }

const cpu = createHistogram()
for (const ns of [900, 1000, 1001, 150_000, 999_999, 1_000_000, 2_000_000_000]) cpu.record(ns)

const busy: RigNow = {
  rig: Rig.fromPartial({
    loop: { running: true, ticks: 5000n, missedTicks: 3n, lateness: cpu.snapshot(), duration: cpu.snapshot() },
    torque: { inNm: -1.5, outNm: -1.25, clamped: 7n },
    telemetry: { frames: 60n, droppedPackets: 2n },
    estop: { engaged: true },
  }),
  plugins: [
    plugin('fast', {
      pluginClass: PluginClass.PLUGIN_CLASS_FAST,
      state: PluginState.PLUGIN_STATE_THROTTLED,
      statistics: { executions: 4000n, failures: 1n, missedDeadlines: 2n, cpu: cpu.snapshot() } as never,
      violations: [
        { kind: ViolationKind.VIOLATION_KIND_NOT_FINITE, count: 4n, detail: '' },
        { kind: ViolationKind.VIOLATION_KIND_CRASH, count: 1n, detail: '' },
      ] as never,
    }),
    plugin('', { directory: 'broken', state: PluginState.PLUGIN_STATE_FAILED }),
  ],
  conducts: [
    {
      ...{ id: 'fast', standing: { kind: 'free', level: 2, halvings: 1, warned: true } },
      ...{ counted: {}, totals: { crash: 3, capability: 0, timeout: 0, budget: 9 }, dueMs: undefined },
    } as unknown as PluginConduct,
  ],
  services: [
    { name: 'trust', state: { kind: 'failed', restarts: 11 } as never, pid: 0, lastExit: 'exited' },
    { name: 'dsp-helper', state: { kind: 'running', restarts: 0 } as never, pid: 9, lastExit: '' },
  ],
}

test('what a rig does is told in base units, each under its name', () => {
  const told = (name: string, labels = {}) => valueIn(busy, `openracing_${name}`, labels)
  assert.deepEqual(
    [told('loop_running'), told('loop_ticks_total'), told('loop_missed_ticks_total'), told('estop_engaged')],
    [1, 5000, 3, 1],
  )
  assert.equal(told('torque_newton_metres', { at: 'output' }), -1.25)
  assert.equal(told('torque_limited_ticks_total', { why: 'clamp' }), 7)
  assert.equal(told('telemetry_dropped_packets_total'), 2)
  assert.equal(told('plugin_executions_total', { plugin: 'fast' }), 4000)
  assert.equal(told('plugin_violations_total', { plugin: 'fast', kind: 'not finite' }), 4)
  assert.equal(told('plugin_quarantine_level', { plugin: 'fast' }), 2)
  assert.equal(told('plugin_counted_violations_total', { plugin: 'fast', kind: 'budget' }), 9)
  assert.deepEqual(
    [
      told('plugin_state', { plugin: 'fast', state: 'throttled' }),
      told('plugin_state', { plugin: 'fast', state: 'running' }),
    ],
    [1, 0],
  )
  assert.equal(told('plugin_state', { plugin: 'broken', state: 'failed' }), 1)
  assert.deepEqual([told('service_up', { name: 'trust' }), told('service_up', { name: 'dsp-helper' })], [0, 1])
  assert.equal(told('service_restarts_total', { name: 'trust' }), 11)
})

test('a histogram of shared memory counts below a bound what is not above it, and everything below infinity', () => {
  const samples = histogramSamples(cpu.snapshot(), {})
  const below = (le: string) => samples.find((sample) => sample.labels?.le === le)?.value
  assert.equal(below('0.000001'), 1, 'the bucket of 1000 ns ends above it')
  assert.equal(below('0.0002'), 4)
  assert.equal(below('1'), 6)
  assert.equal(below('+Inf'), 7)
  const counts = samples.filter(({ series }) => series === 'bucket').map(({ value }) => value)
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'they only grow',
  )
  const sum = samples.find(({ series }) => series === 'sum')?.value ?? 0
  assert.ok(Math.abs(sum / 2.002152901 - 1) < 0.032, `${sum} s`)
  assert.equal(histogramSamples(Histogram.fromPartial({}), {}).find(({ series }) => series === 'count')?.value, 0)
})

test('a rig with more plugins than that has as many series as with so many', () => {
  const many = Array.from({ length: pluginsMax + 10 }, (_, index) => plugin(`p${index}`))
  const states = rigFamilies({ ...nothing, plugins: many }).find(({ name }) => name === 'openracing_plugin_info')
  assert.equal(states?.samples.length, pluginsMax)
  assert.equal(valueIn({ ...nothing, plugins: many }, 'openracing_plugins'), pluginsMax + 10)
})

test('promtool finds nothing to complain of in the metrics of a busy rig and of an empty one', async (t) => {
  if (spawnSync('promtool', ['--version']).error !== undefined) {
    return t.skip('promtool is not installed (apt-get install prometheus)')
  }
  for (const now of [busy, nothing]) {
    const metrics = createMetrics('host')
    metrics.began('/openracing.v1.RigService/GetRig')(0)
    metrics.extend(async () => rigFamilies(now))
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.text() })
    assert.equal(`${stdout}${stderr}`, '')
    assert.equal(status, 0)
  }
})
