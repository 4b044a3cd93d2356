import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { Home } from '../../rpc/home.ts'
import { speakingAction } from '../../services/wasm-runner/testing/call-guests.ts'
import { inTime, until } from '../until.ts'
import { commandFile, runWheelctl } from '../wheelctl.ts'
import { startNextHost, startRig } from './rig.ts'

function installKeys({ pluginDir }: Home): void {
  const directory = join(pluginDir, 'keys')
  mkdirSync(directory)
  writeFileSync(join(directory, 'plugin.wasm'), speakingAction(7))
  writeFileSync(
    join(directory, 'plugin.toml'),
    '[plugin]\nname = "keys"\nversion = "2.0.0"\n[binary]\npath = "plugin.wasm"\n',
  )
}

const totalOf = async (home: Home, plugin: string) =>
  JSON.parse((await runWheelctl(home, ['plugin', 'stats', plugin, '--json'])).stdout).total

test('what plugins did is shown as the guides print it, and outlives a host that is killed', {
  timeout: 600_000,
}, async (t) => {
  await using rig = await startRig(installKeys)
  const { home } = rig.rig
  const guides = async (...args: readonly string[]) =>
    (await runWheelctl(home, ['plugin', ...args], 'openracing-cli')).stdout

  await t.test('calls that trap, or run out of fuel, are executions that failed', async () => {
    for (const action of ['hello', 'hello', 'trap', 'loop', 'hello'])
      await runWheelctl(home, ['plugin', 'execute', 'keys', action]).catch(() => undefined)
    const { executions = 0n, unreturned = 0n, failures = 0n } = (await rig.plugin('keys')).statistics ?? {}
    assert.ok(unreturned > 0n && executions > 0n, `${executions} returned, and ${unreturned} did not`)
    const begun = Number(executions + unreturned)
    const total = await until('they are counted', async () => {
      const now = await totalOf(home, 'keys')
      return now.executions === begun ? now : undefined
    })
    const failed = Number(failures)
    assert.deepEqual([total.failures, total.successRate], [failed, (begun - failed) / begun])
    assert.ok(Math.abs(total.lastTimeUnixMs - Date.now()) < 60_000)
  })

  await t.test('statistics, for people and for programs', async () => {
    await until('lowpass is counted', async () => (await totalOf(home, 'lowpass')).executions > 500)
    const people = await guides('stats', 'lowpass')
    assert.match(people, /^ +TOTAL +LAST HOUR +LAST DAY$/m)
    assert.match(people, /^executions +\d{3,} +\d{3,} +\d{3,}$/m)
    assert.match(people, /^success rate +100\.00 % +100\.00 % +100\.00 %$/m)
    assert.match(people, /^last execution +\d{4}-\d\d-\d\dT/m)
    const { total, lastDay, warning } = JSON.parse(await guides('stats', 'lowpass', '--json'))
    assert.ok(total.meanUs > 0 && total.p50Us <= total.p99Us && total.p99Us <= total.maxUs, JSON.stringify(total))
    assert.deepEqual([lastDay.executions, warning], [total.executions, ''])
    await assert.rejects(guides('stats', 'nobody'), { code: 1, stderr: /PLUGIN_UNKNOWN: no installed plugin has/ })
  })

  await t.test('a report of one, and of all', async () => {
    const { plugin, statistics, history } = JSON.parse(await guides('report', 'lowpass', '--format', 'json'))
    assert.deepEqual([plugin.name, statistics.name, Array.isArray(history)], ['lowpass', 'lowpass', true])
    const all = JSON.parse((await runWheelctl(home, ['plugin', 'report', '--json'])).stdout)
    assert.equal(all.length, 4)
    const people = await guides('report')
    for (const name of ['keys', 'lowpass', 'rpm-leds', 'slip-ffb'])
      assert.match(people, new RegExp(`^## ${name}$`, 'm'))
    assert.match(people, /^\| executions \| \d+ \| \d+ \| \d+ \|$/m)
  })

  await t.test('a monitor that is piped says a line of JSON for each interval, until Ctrl-C', async () => {
    const args = ['plugin', 'monitor', 'lowpass', '--interval', '200']
    const env = { ...process.env, OPENRACING_HOME: home.configDir }
    const monitor = spawn(commandFile('openracing-cli'), args, { env, stdio: ['ignore', 'pipe', 2] })
    const ended = once(monitor, 'exit')
    const [line] = await inTime('it says a line', once(createInterface({ input: monitor.stdout as never }), 'line'))
    const { plugin, state, executions, cpuUs } = JSON.parse(String(line))
    assert.deepEqual([plugin, state], ['lowpass', 'running'])
    assert.ok(executions > 0 && cpuUs.p50 > 0)
    monitor.kill('SIGINT')
    assert.deepEqual(await inTime('it ends', ended), [0, null])
  })

  await t.test('the next host goes on from what was written', async () => {
    const keys = await totalOf(home, 'keys')
    // The first host writes once a minute. A quiet end writes at once.
    process.kill(rig.rig.pid, 'SIGTERM')
    await rig.rig.exited
    let before = { executions: 0 }
    {
      await using next = await startNextHost(home)
      assert.deepEqual(await totalOf(home, 'keys'), keys)
      before = await totalOf(home, 'lowpass')
      await until('it is counted on', async () => (await totalOf(home, 'lowpass')).executions > before.executions)
      next.kill('SIGKILL')
      await next.exited
    }
    await using last = await startNextHost(home)
    assert.ok(last.pid > 0)
    const now = await until('the loop that went on is counted', async () => {
      const total = await totalOf(home, 'lowpass')
      return total.executions > before.executions ? total : undefined
    })
    const { statistics } = await rig.plugin('lowpass')
    assert.ok(now.executions <= before.executions + Number(statistics?.executions), 'nothing of it is counted twice')
    assert.deepEqual(await totalOf(home, 'keys'), keys)
  })
})
