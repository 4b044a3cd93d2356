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
const promised = {
  metering_cost: ['kernels', 'sieve', 'matrix', 'crc', 'fibonacci'].map((row) => [row, cost] as const),
  metering_throughput: ['binaryen', 'typescript'].map((row) => [row, throughput] as const),
}

test('a run of the benchmark of WebAssembly, however short, names every figure that is promised', () => {
  const run = spawnSync(process.execPath, [main, '--json', '--rounds', '1', '--round-ms', '1'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const report = JSON.parse(run.stdout) as WasmReport & { machine: unknown; settings: unknown }
  assert.deepEqual(report.failures, {})
  assert.deepEqual(Object.keys(report), ['machine', 'settings', ...Object.keys(promised), 'goals', 'failures'])
  for (const section of ['metering_cost', 'metering_throughput'] as const) {
    assert.deepEqual(
      Object.keys(report[section]),
      promised[section].map(([row]) => row),
    )
    for (const [row, fields] of promised[section]) {
      assert.deepEqual(Object.keys(report[section][row] ?? {}).sort(), [...fields].sort(), `${section}.${row}`)
    }
  }
  assert.equal(report.goals.length, promised.metering_cost.length + promised.metering_throughput.length)
})
