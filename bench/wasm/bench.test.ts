import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { WasmReport } from './report.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** What bench/README.md promises, row by row. */
const cost = ['unmetered_ns', 'metered_ns', 'ratio', 'bytes', 'growth', 'pairs', 'rounds']
const throughput = [
  'bytes',
  'instructions',
  'growth',
  'mb_per_s',
  'mb_per_s_validated',
  'first_mb_per_s',
  'times',
  'rounds',
]
const dense = [
  ...['plugins', 'ticks', 'missed', 'on_time', 'lateness_us'],
  ...['cpu_ms_per_s', 'core_wait_ms_per_s', 'us_per_tick', 'kib_per_plugin', 'rounds'],
]
const stopping = [
  ...['deadline_ms', 'reported_ms', 'reported_ms_max', 'late_ms', 'loops', 'rounds'],
  ...['neighbour_ticks', 'neighbour_missed', 'neighbour_lateness_us'],
]
const promised = {
  metering_cost: ['kernels', 'sieve', 'matrix', 'crc', 'fibonacci'].map((row) => [row, cost] as const),
  metering_throughput: ['binaryen', 'typescript'].map((row) => [row, throughput] as const),
  tick_cost: ['bare_call', 'telemetry', 'force', 'force_100'].map(
    (row) => [row, ['us', 'per_s', 'slices', 'rounds']] as const,
  ),
  density: ['1', '10', '100', '1000', 'force_1000', 'bare_timer'].map((row) => [row, dense] as const),
  extism_call: ['in_process', 'in_worker'].map((row) => [row, ['us', 'wall_us', 'calls', 'rounds']] as const),
  extism_density: [
    ...['in_process_1', 'in_process_10', 'in_process_100', 'in_process_1000'],
    ...['in_worker_1', 'in_worker_10', 'in_worker_100'],
  ].map((row) => [row, dense] as const),
  stopping: ['openracing_1ms', 'openracing_5ms', 'extism'].map((row) => [row, stopping] as const),
} as const

test('a run of the benchmark of WebAssembly, however short, names every figure that is promised', () => {
  const run = spawnSync(process.execPath, [main, '--json', '--rounds', '1', '--round-ms', '1'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const report = JSON.parse(run.stdout) as WasmReport & { machine: unknown; settings: unknown }
  assert.deepEqual(report.failures, {})
  assert.deepEqual(Object.keys(report), ['machine', 'settings', ...Object.keys(promised), 'goals', 'failures'])
  for (const section of Object.keys(promised) as (keyof typeof promised)[]) {
    assert.deepEqual(
      Object.keys(report[section]),
      promised[section].map(([row]) => row),
    )
    for (const [row, fields] of promised[section]) {
      assert.deepEqual(Object.keys(report[section][row] ?? {}).sort(), [...fields].sort(), `${section}.${row}`)
    }
  }
  assert.equal(report.goals.length, promised.metering_cost.length + promised.metering_throughput.length + 13)
})
