import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { startRig } from './rig.ts'

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined

test('a rig is scraped over the port of its API, each of its processes', { timeout: 120_000 }, async (t) => {
  await using rig = await startRig()
  const port = /127\.0\.0\.1:\d+/.exec(rig.rig.readyLine)?.[0] as string
  const page = async (path: string): Promise<string> => {
    const response = await fetch(`http://${port}${path}`)
    const body = await response.text()
    assert.equal(response.status, 200, `${path}: ${body}`)
    if (hasPromtool) {
      const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
      assert.equal(`${stdout}${stderr}`, '', path)
    } else t.diagnostic(`${path} is not checked: promtool is not installed`)
    return body
  }
  const host = await page('/metrics')
  assert.match(host, /^openracing_loop_running\{service="host"\} 1$/m)
  assert.match(
    host,
    /^openracing_plugin_info\{plugin="[^"]+",name="lowpass",version="[^"]+",directory="lowpass",class="Fast"/m,
  )
  assert.match(host, /^openracing_service_up\{name="wasm-runner",service="host"\} 1$/m)
  for (const name of ['trust', 'wasm-runner', 'dsp-helper']) {
    const body = await page(`/metrics/${name}`)
    assert.match(body, new RegExp(`^process_resident_memory_bytes\\{service="${name}"\\} \\d+$`, 'm'))
    assert.match(body, /^grpc_server_handled_total\{/m)
  }
  const { status } = await fetch(`http://${port}/metrics/engine`)
  assert.equal(status, 404)
})
