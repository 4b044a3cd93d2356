import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ServiceState } from '../../gen/proto/openracing/v1/supervisor.ts'
import { until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { startRig } from './rig.ts'

test("a service is restarted by hand, over the rig's own socket, and the others are not touched", {
  timeout: 300_000,
}, async () => {
  await using rig = await startRig()
  const { home } = rig.rig
  const before = await rig.services()
  const pidOf = (name: string) => before.find((service) => service.name === name)?.pid
  const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
  await assert.rejects(runWheelctl(home, ['--endpoint', port, 'service', 'restart', 'trust']), {
    code: 6,
    stderr: /PERMISSION_DENIED: .*RestartService needs the role admin, and 127\.0\.0\.1 is operator/,
  })
  await assert.rejects(runWheelctl(home, ['service', 'restart', 'engine']), {
    code: 4,
    stderr: /REQUEST_INVALID: no service is called "engine"; there are trust, wasm-runner, dsp-helper/,
  })
  const { stdout } = await runWheelctl(home, ['service', 'restart', 'trust'])
  assert.match(stdout, /^NAME +STATE +PID +RESTARTS +LAST EXIT, AND WHAT IT MEANS\ntrust +/)
  const trust = await until('it serves again', async () => {
    const now = await rig.service('trust')
    return now.state === ServiceState.SERVICE_STATE_RUNNING && now.pid !== pidOf('trust') ? now : undefined
  })
  // A process logs more from now on, and says so itself.
  const logged = () => readFileSync(join(home.stateDir, 'host.log'), 'utf8')
  for (const name of ['host', 'wasm-runner']) {
    const { stdout: said } = await runWheelctl(home, ['service', 'log-level', name, 'debug'])
    assert.match(said, new RegExp(`^${name}: debug \\(was (info|warn)\\)\n$`))
  }
  await until('both have said so', () => (logged().match(/"level":"debug","previous"/g) ?? []).length === 2)
  await assert.rejects(runWheelctl(home, ['service', 'log-level', 'engine', 'debug']), {
    code: 4,
    stderr: /REQUEST_INVALID: name is "engine"; there are host, trust, wasm-runner, dsp-helper/,
  })
  assert.ok(trust.restarts >= 1)
  assert.equal(trust.degraded, '')
  for (const name of ['wasm-runner', 'dsp-helper']) assert.equal((await rig.service(name)).pid, pidOf(name))
  const { degraded } = JSON.parse((await runWheelctl(home, ['rig', 'status', '--json'])).stdout)
  assert.deepEqual(degraded, [])
})
