import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Summary } from '../../demo/summary.ts'

const program = fileURLToPath(new URL('../../demo/main.ts', import.meta.url))
const recordings = new URL('../../../shared/data/', import.meta.url)

async function demo(...args: readonly string[]): Promise<{ readonly code: unknown; readonly stdout: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code, stdout }
}

const rateHz: Readonly<Record<string, number>> = { 'rpm-leds': 60, 'slip-ffb': 100, lowpass: 1000 }

function check(summary: Summary): void {
  assert.ok(summary.ticks > 0 && summary.seconds > 2.9)
  assert.ok(
    Math.abs((summary.ticks + summary.missed_ticks) / summary.seconds / 1000 - 1) < 0.05,
    'the loop ran at 1 kHz',
  )
  assert.ok(summary.torque.out_rms > 0 && summary.torque.out_rms < summary.torque.in_rms, 'torque was shaped')
  assert.ok(summary.torque.max_abs <= 5)
  assert.equal(summary.torque.non_finite, 0)
  assert.ok(summary.telemetry_frames > 0)
  assert.ok(summary.leds.frames > 0)
  assert.deepEqual(summary.plugins.map(({ name }) => name).sort(), ['lowpass', 'rpm-leds', 'slip-ffb'])
  for (const plugin of summary.plugins) {
    assert.equal(plugin.state, 'running')
    assert.equal(plugin.failures, 0, `${plugin.name}: ${JSON.stringify(plugin.violations)}`)
    // What was late is counted: done and missed together are the schedule's, whatever else the machine does.
    const dueHz = (plugin.executions + plugin.missed_deadlines) / summary.seconds
    assert.ok(dueHz > 0.9 * (rateHz[plugin.name] as number), `${plugin.name} was due ${dueHz} times a second`)
    assert.ok(plugin.cpu_us.p50 > 0 && plugin.cpu_us.p50 <= plugin.cpu_us.p99 && plugin.cpu_us.p99 <= plugin.cpu_us.max)
  }
  assert.deepEqual(
    summary.services.map(({ name, restarts, state }) => [name, restarts, state]),
    summary.services.map(({ name }) => [name, 0, 'running']),
  )
}

const fields = [
  'seconds',
  'ticks',
  'missed_ticks',
  'tick_lateness_us',
  'telemetry_frames',
  'dropped_packets',
  'torque',
  'leds',
  'plugins',
  'services',
]

test('without a recording the demo drives its own lap and prints one JSON object', async () => {
  const { code, stdout } = await demo('--seconds', '3', '--json')
  assert.equal(code, 0)
  assert.equal(stdout.trimEnd().split('\n').length, 1)
  const summary: Summary = JSON.parse(stdout)
  assert.deepEqual(Object.keys(summary), fields)
  check(summary)
  assert.ok(summary.leds.max_lit > 0)
})

for (const file of [
  'telemetry/forza_dash_lap.bin.gz',
  'telemetry/gt7_demo_368.gtz',
  'ffb/itelem_amg_spielberg.ibt.gz',
]) {
  const path = fileURLToPath(new URL(file, recordings))
  const skip = existsSync(path) ? false : `the recordings are not beside this checkout (${path})`
  test(`the demo drives ${file}`, { skip }, async () => {
    const { code, stdout } = await demo('--seconds', '3', '--json', '--recording', path)
    assert.equal(code, 0)
    check(JSON.parse(stdout))
  })
}

test('plain lines are printed where there is no terminal, and SIGINT ends the demo with its summary', async () => {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let printed = ''
  let interrupted = false
  child.stdout.setEncoding('utf8')
  for await (const chunk of child.stdout) {
    printed += chunk
    if (!interrupted && /rpm \d+.*ticks \d+/.test(printed)) interrupted = child.kill('SIGINT')
  }
  assert.deepEqual(await exited, [0, null])
  assert.match(printed, /lowpass \(Fast, running\): \d+ executions/)
  assert.ok(!printed.includes('\x1b['), 'no terminal codes')
})
