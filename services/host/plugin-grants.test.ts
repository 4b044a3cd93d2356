import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseManifest } from './manifest.ts'
import { createPluginGrants } from './plugin-grants.ts'
import { isRunnable, planPlugins } from './plugin-plan.ts'

const sha256 = 'ab'.repeat(32)

/** A plugin that asks for a host. */
const manifest = parseManifest(
  `
id: 00000000-0000-4000-8000-000000000001
name: Asking
version: 1.0.0
description: Asks a host.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry, Network]
operations: [TelemetryProcessor]
permissions: { network: [a.example] }
constraints: { max_execution_time_us: 150, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`,
  'plugin.yaml',
)
const installed = { directory: 'asking', path: '/plugins/asking', manifest, manifestFile: null, problem: null }
const [plugin] = planPlugins([installed], { enabled: null, autoLoad: true }, '/plugins').filter(isRunnable)

const grants = (isRevoked: boolean) =>
  createPluginGrants({
    plugins: { enabled: null, autoGrant: {}, autoGrantRisk: 'low' },
    words: { on: (_, capability) => (isRevoked && capability === 'Network' ? { kind: 'revoked' } : undefined) },
    files: () => [],
  })

test('a plugin reaches the hosts that it lists while it has Network, and none when that is revoked', () => {
  assert.ok(plugin)
  for (const ask of ['of', 'withoutFiles'] as const) {
    assert.deepEqual(grants(false)[ask](plugin, sha256), {
      ...{ capabilities: ['ReadTelemetry', 'Network'], fileSystem: [], hosts: ['a.example'] },
    })
    assert.deepEqual(grants(true)[ask](plugin, sha256), { capabilities: ['ReadTelemetry'], fileSystem: [], hosts: [] })
  }
})
