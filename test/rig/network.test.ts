import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fetchingAction, fetchingModule } from '../../services/wasm-runner/testing/network-guests.ts'
import { inTime, until } from '../until.ts'
import { runWheelctl } from '../wheelctl.ts'
import { killService, startRig } from './rig.ts'

const safeManifest = (hosts: readonly string[], index: number): string => `
id: 00000000-0000-4000-8000-00000000000${index}
name: Fetcher ${index}
version: 1.0.0
description: Fetches once.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry, Network]
operations: [TelemetryProcessor]
permissions: { network: ${JSON.stringify(hosts)} }
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

const actionManifest = (hosts: readonly string[]): string => `[plugin]
name = "asker"
version = "1.0.0"
[binary]
path = "plugin.wasm"
[capabilities]
required = ["Network"]
[permissions]
network = ${JSON.stringify(hosts)}
`

/** A server of the local network, and a socket for datagrams. */
async function openSurroundings() {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.2:9/' }).end()
    else response.end(`the pit wall says ${request.url}`)
  }).listen(0, '127.0.0.1')
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(socket, 'listening')])
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    asked,
    socket,
    place,
    url: (path: string) => ({ method: 'GET', url: `http://${place}${path}` }),
    to: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await Promise.all([new Promise((done) => server.close(done)), new Promise<void>((done) => socket.close(done))])
    },
  }
}

test('plugins reach the hosts that their manifests list, through the host, and no others', {
  timeout: 240_000,
}, async (t) => {
  await using around = await openSurroundings()
  const datagram = once(around.socket, 'message')
  await using rig = await startRig((home) => {
    const write = (name: string, manifest: string, text: string, bytes: Uint8Array): void => {
      mkdirSync(join(home.pluginDir, name), { recursive: true })
      writeFileSync(join(home.pluginDir, name, manifest), text)
      writeFileSync(join(home.pluginDir, name, 'plugin.wasm'), bytes)
    }
    const { place, to, url } = around
    write('fetcher', 'plugin.yaml', safeManifest([place, to], 1), fetchingModule(url('/lap'), to))
    write('stranger', 'plugin.yaml', safeManifest(['192.0.2.1:80'], 2), fetchingModule(url('/secret')))
    write('bare', 'plugin.yaml', safeManifest([], 3), fetchingModule(url('/bare')))
    write('asker', 'plugin.toml', actionManifest([place]), fetchingAction(url('/pit')))
    write('strayer', 'plugin.toml', actionManifest([place]).replace('asker', 'strayer'), fetchingAction(url('/away')))
  })
  const { home } = rig.rig
  const log = (): string => readFileSync(join(home.stateDir, 'host.log'), 'utf8')
  const run = (...args: readonly string[]) =>
    runWheelctl(home, ['plugin', ...args]).then(
      (ended) => ({ ...ended, code: 0 }),
      (cause) => cause as { readonly code: number; readonly stderr: string },
    )

  await t.test('a plugin that ticks has the body of its answer in its log', async () => {
    await until('the body is in the log', () => /"msg":"the pit wall says \/lap"/.test(log()))
  })

  await t.test('a datagram arrives', async () => {
    const [bytes] = (await inTime('the datagram is there', datagram)) as [Buffer]
    assert.equal(bytes.toString(), 'hello')
  })

  await t.test('a host that is not listed, and a list that is empty, are charged as capabilities', async () => {
    const charged = async (name: string) => {
      const { stdout } = await runWheelctl(home, ['plugin', 'info', name])
      return /^violation: capability .*$/m.exec(stdout)?.[0]
    }
    assert.match(
      await until('the stranger is charged', () => charged('stranger')),
      /to 127\.0\.0\.1, port \d+, which its manifest does not list/,
    )
    assert.match(await until('the bare one is charged', () => charged('bare')), /needs Network with a list of hosts/)
    assert.match(log(), /the capability Network grants nothing, because permissions\.network/)
    assert.ok(!around.asked.includes('/secret') && !around.asked.includes('/bare'))
  })

  await t.test('an action waits for its answer', async () => {
    const { code, stderr } = await run('execute', 'asker', 'hello')
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^warn: the pit wall says \/pit$/m)
  })

  await t.test('a redirect to a host that is not listed is refused, and the log says where', async () => {
    const { code, stderr } = await run('execute', 'strayer', 'hello')
    assert.equal(code, 1)
    assert.match(stderr, /127\.0\.0\.2:9 is not among the hosts that the manifest lists/)
    assert.match(stderr, /^code -203,/m)
  })

  await t.test('a runner that was killed is carried for again when it is back', async () => {
    const before = around.asked.filter((path) => path === '/lap').length
    await killService(rig, 'wasm-runner')
    await until('the plugin asks again', () => around.asked.filter((path) => path === '/lap').length > before)
  })
})
