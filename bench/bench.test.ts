import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Report } from './report.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const rigsInMemory = (): readonly string[] =>
  readdirSync('/dev/shm').filter((name) => name.startsWith('openracing-bench-'))

/** The names of all figures, `lateness.idle.wheel_rt.lateness_us.p50`; a row that could not be measured is one name. */
const namesOf = (value: unknown, path: string): readonly string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, item]) => namesOf(item, path === '' ? name : `${path}.${name}`))
    : [path]

const times = ['p50', 'p99', 'p999', 'max']
const eachOf = (rows: readonly string[], fields: readonly string[]): readonly string[] =>
  rows.flatMap((row) => fields.map((field) => `${row}.${field}`))
const timesOf = (...rows: readonly string[]): readonly string[] => eachOf(rows, times)
const pairs = ['openracing_default', 'openracing_futex', 'bare_futex', 'bare_spin', 'zeromq', 'iceoryx', 'grpc_js']
const rings = ['c_to_c_single', 'c_to_c_batch', 'node_to_c_single', 'node_to_c_batch']
const chains = ['default.1', 'default.4', 'default.16', 'futex.1', 'futex.4', 'futex.16']

const spreads = ['ready_ms', 'first_frame_ms', 'pss_kib', 'loop_silence_ms', 'torque_back_ms']

/** What bench/README.md promises, row by row. */
const promised: Readonly<Record<string, readonly string[]>> = Object.fromEntries([
  ...['idle', 'loaded'].flatMap((when) => [
    [`lateness.${when}.wheel_rt`, [...timesOf('lateness_us', 'duration_us'), 'ticks', 'missed_ticks', 'rounds']],
    [`lateness.${when}.cyclictest`, [...timesOf('lateness_us'), 'ticks', 'rounds']],
    [`lateness.${when}.ratio`, times],
    [`lateness.${when}.added_us`, times],
  ]),
  ...pairs.map((pair) => [
    `round_trip.${pair}`,
    [...timesOf('round_trip_us'), 'round_trips', 'missed', 'cpu_ms_per_s', 'realtime', 'rounds'],
  ]),
  ...['memcpy_single', 'memcpy_batch', ...rings].map((ring) => [
    `ring_throughput.${ring}`,
    ['batch', 'slots_per_s', 'gb_per_s', 'best_gb_per_s', 'rounds', ...(rings.includes(ring) ? ['of_memcpy'] : [])],
  ]),
  ...chains.map((chain) => [
    `chain.${chain}`,
    [
      ...timesOf('round_trip_us', 'duration_us'),
      ...['plugins', 'ticks', 'missed_ticks', 'missed_deadlines', 'cpu_ms_per_s', 'added_us_per_plugin', 'rounds'],
    ],
  ]),
  ['process', [...eachOf(spreads, ['p50', 'max']), 'rounds']],
])

const at = (report: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], report)

test('a run of the benchmark, however short, names every figure that is promised, and leaves nothing behind', () => {
  execFileSync('make', ['-s', '-C', fileURLToPath(new URL('native', import.meta.url))], { stdio: 'ignore' })
  const before = rigsInMemory()
  const run = spawnSync(process.execPath, [main, '--json', '--rounds', '1', '--round-ms', '20'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const report = JSON.parse(run.stdout) as Report & { machine: unknown; settings: unknown }
  const sections = [
    'machine',
    'settings',
    'lateness',
    'round_trip',
    'ring_throughput',
    'chain',
    'process',
    'goals',
    'failures',
  ]
  assert.deepEqual(Object.keys(report).sort(), sections.sort())
  const rows = Object.keys(promised)
  const { lateness, round_trip, ring_throughput, chain, process: processes } = report
  const names = namesOf({ lateness, round_trip, ring_throughput, chain, process: processes }, '')
  for (const name of names)
    assert.ok(
      rows.some((row) => name === row || name.startsWith(`${row}.`)),
      `${name} is new`,
    )
  for (const [row, fields] of Object.entries(promised)) {
    const found = at(report, row)
    // Without its package, or the rights, a row is null, and why is told; a comparison is null with what it compares.
    if (found !== null) assert.deepEqual([...namesOf(found, '')].sort(), [...fields].sort(), row)
    else assert.ok(row in report.failures || /\.(ratio|added_us)$/.test(row), `${row} is null and nobody says why`)
  }
  for (const goal of report.goals) assert.equal(goal.met, goal.figure === null ? null : goal.figure <= goal.bound)
  assert.deepEqual(rigsInMemory(), before)
})
