import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LoopInterval, RigServiceClient, type WatchLoopResponse } from '../../gen/proto/openracing/v1/rig.ts'
import { connect } from '../../rpc/client.ts'
import type { Home } from '../../rpc/home.ts'
import { produceForce } from '../force-producer.ts'
import { buildNativePlugin } from '../native-plugin.ts'
import { until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { isRunning, startNextHost, startRig, watchLoop } from './rig.ts'

/** Adds a Fast plugin whose library is one of test/plugins/native. */
function addNative(home: Home, name: string, number: number): void {
  const directory = join(home.pluginDir, name)
  cpSync(join(home.pluginDir, 'lowpass'), directory, { recursive: true })
  const manifest = join(directory, 'plugin.yaml')
  const text = readFileSync(manifest, 'utf8')
    .replace(/^id: .*/m, `id: "00000000-0000-4000-8000-${String(number).padStart(12, '0')}"`)
    .replace(/^name: .*/m, `name: "${name}"`)
  writeFileSync(manifest, text)
  cpSync(buildNativePlugin(name, home.stateDir), join(directory, 'build', 'liblowpass.so'))
}

const fed = '\ntelemetry: { input: external }\nffb: { gain: 1 }\n'

/** The newest intervals of the loop, as a program sees them. */
function watchIntervals(home: Home, intervalMs: number) {
  const client = connect(RigServiceClient, `unix:${home.socket('host')}`)
  const stream = client.watchLoop({ intervalMs })
  const intervals: LoopInterval[] = []
  stream.on('data', ({ interval }: WatchLoopResponse) => {
    if (interval !== undefined) intervals.push(interval)
  })
  stream.on('error', () => undefined)
  return {
    intervals,
    close: () => {
      stream.cancel()
      client.close()
    },
  }
}

test('an operator changes the chain while the rig runs: no tick is missed, torque makes no step, and the order outlives the host', async () => {
  await using rig = await startRig((home) => {
    appendFileSync(home.configFile, '\ntelemetry: { input: external }\nffb: { gain: 1, max_slew_nm_per_s: 200 }\n')
    addNative(home, 'inverts', 1)
    addNative(home, 'offsets', 2)
  })
  const { home } = rig.rig
  await until('the loop has its files', () => existsSync(join(home.shmDir, 'rig')))
  using _producer = produceForce(home, () => 2)
  await until(
    'its Fast plugins run',
    async () => isRunning(await rig.plugin('lowpass')) && isRunning(await rig.plugin('inverts')),
  )
  const chain = async (...args: readonly string[]): Promise<string> => {
    const { links } = JSON.parse((await runWheelctl(home, ['chain', ...args, '--json'])).stdout)
    return links.map(({ name }: { name: string }) => name).join(' ')
  }
  assert.equal(await chain('list'), 'inverts lowpass offsets')
  const loop = watchLoop(home)
  assert.equal(await chain('set', 'lowpass', 'inverts'), 'lowpass inverts')
  assert.match(
    (await runWheelctl(home, ['chain', 'list'])).stdout,
    /^- +offsets +offsets +available +removed from the chain; /m,
  )
  assert.equal(await chain('move', 'inverts', '--to', '1'), 'inverts lowpass')
  assert.match(
    (await runWheelctl(home, ['rig', 'status'])).stdout,
    /^chain +inverts \(running\) → lowpass \(running\)$/m,
  )
  assert.equal(await chain('remove', 'inverts'), 'lowpass')
  assert.deepEqual(loop.gaps(), [])
  assert.ok(loop.maxStepNm() <= 0.2 + 1e-5, `a step of ${loop.maxStepNm()} N·m from one tick to the next`)
  loop.close()
  const refused = async (sentence: RegExp, ...args: readonly string[]) =>
    assert.rejects(runWheelctl(home, ['chain', ...args]), (cause: { stderr: string }) => {
      assert.match(cause.stderr, sentence)
      return cause.stderr.trimEnd().split('\n').length === 1
    })
  await refused(/^wheelctl: PLUGIN_UNKNOWN: .*"ghost"/, 'remove', 'ghost')
  await refused(/^wheelctl: REQUEST_INVALID: slip-ffb is a Safe plugin/, 'set', 'slip-ffb')
  await refused(/^wheelctl: REQUEST_INVALID: lowpass is named twice/, 'set', 'lowpass', 'lowpass')
  await refused(/^wheelctl: REQUEST_INVALID: 2 places are given/, 'move', 'lowpass', '--to', '1', '--after', 'inverts')
  // It would also run what was stopped for its key.
  const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
  await refused(
    /^wheelctl: PERMISSION_DENIED: .*ReloadInChain needs the role admin/,
    '--endpoint',
    port,
    'reload',
    'lowpass',
  )

  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  await using next = await startNextHost(home)
  assert.equal(await chain('list'), 'lowpass')
  assert.equal(await chain('set', 'inverts', 'lowpass'), 'inverts lowpass')
  next.kill('SIGTERM')
  await next.exited
})

test('what the loop does is told interval by interval: for itself, and for each plugin of the chain', async () => {
  await using rig = await startRig((home) => {
    appendFileSync(home.configFile, fed)
    addNative(home, 'inverts', 1)
  })
  const { home } = rig.rig
  await until('the loop has its files', () => existsSync(join(home.shmDir, 'rig')))
  using _producer = produceForce(home, () => 2)
  const watch = watchIntervals(home, 100)
  const newest = await until('both plugins were called', () =>
    watch.intervals.find(
      ({ plugins }) => plugins.length === 2 && plugins.every(({ id, executions }) => id !== '' && executions > 50n),
    ),
  )
  assert.deepEqual(
    newest.plugins.map(({ name }) => name),
    ['inverts', 'lowpass'],
  )
  const [inverts, lowpass] = newest.plugins
  assert.ok((inverts?.roundTrip?.p50 ?? 0) > 0 && (lowpass?.roundTrip?.p50 ?? 0) > 0)
  const whole = await until('torque flows for an interval', () =>
    watch.intervals.find(({ outRmsNm }) => outRmsNm > 1.9),
  )
  // The schedule has a tick a millisecond, done or missed. A loop that is late at a reading is so by some ms.
  const second = await until('a second of intervals', () => watch.intervals.length > 10 && watch.intervals.slice(-10))
  const due = second.reduce((sum, { ticks, missedTicks }) => sum + Number(ticks + missedTicks), 0)
  const elapsedMs = second.reduce((sum, { elapsedUs }) => sum + Number(elapsedUs) / 1000, 0)
  assert.ok(Math.abs(due / elapsedMs - 1) < 0.05, `${due} ticks in ${elapsedMs} ms`)
  assert.ok(whole.running && !whole.estopped && Math.abs(whole.inRmsNm - 2) < 0.01)
  const { p50, p99, p999, max } = whole.lateness ?? { p50: 0, p99: 0, p999: 0, max: 0 }
  assert.ok(0 < p50 && p50 <= p99 && p99 <= p999 && p999 <= max)
  watch.close()

  const lines = runWheelctl(home, ['rig', 'status', '--watch', '--interval', '50', '--json'])
  const [first] = await new Promise<string[]>((resolve) =>
    lines.child.stdout?.once('data', (chunk) => resolve(String(chunk).split('\n'))),
  )
  lines.child.kill('SIGINT')
  await lines
  const told = JSON.parse(first as string)
  assert.equal(told.plugins.length, 2)
  await assert.rejects(runWheelctl(home, ['rig', 'status', '--watch', '--interval', '5']), { code: 4 })
})
