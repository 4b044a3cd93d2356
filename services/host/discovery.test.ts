import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { until } from '../../test/until.ts'
import { startDiscovery } from './discovery.ts'
import { createPluginLives } from './plugin-lives.ts'
import { createPlan } from './plugin-plan.ts'
import { quietMs, sweepEveryMs } from './plugin-watch.ts'

const manifest = `
id: 00000000-0000-4000-8000-000000000001
name: Built
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry]
operations: [TelemetryProcessor]
constraints: { max_execution_time_us: 150, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: build/plugin.wasm }
`

function newDiscovery() {
  const pluginDir = mkdtempSync(join(tmpdir(), 'openracing-discovery-'))
  const plan = createPlan([], { enabled: null, autoLoad: true }, pluginDir)
  const log = pino({ level: 'silent' })
  const lives = createPluginLives({ policyOf: () => ({ goal: 'running' }), nowMs: () => 0, log })
  const changed: number[] = []
  const loader = { changed: async () => void changed.push(performance.now()), forget() {} }
  const discovery = startDiscovery({ pluginDir, plan, lives, loader, log })
  return {
    changed,
    at: (...path: readonly string[]): string => join(pluginDir, 'built', ...path),
    /** Resolves once the loader was told so often, long before everything is looked at anyway. */
    async times(count: number): Promise<void> {
      const sinceMs = performance.now()
      await until(`the loader is told ${count} times`, () => changed.length >= count)
      assert.ok(performance.now() - sinceMs < sweepEveryMs / 3, 'it is told at once')
    },
    [Symbol.dispose]() {
      discovery.close()
      rmSync(pluginDir, { recursive: true })
    },
  }
}

test('a plugin with its artefact in a directory below is told of once when it comes, and with every build and signature', async () => {
  using it = newDiscovery()
  mkdirSync(it.at('build'), { recursive: true })
  writeFileSync(it.at('build', 'plugin.wasm'), 'one')
  writeFileSync(it.at('plugin.yaml'), manifest)
  await it.times(1)
  await delay(2 * quietMs)
  assert.equal(it.changed.length, 1)
  writeFileSync(it.at('build', 'plugin.wasm.sig'), '{}')
  await it.times(2)
  rmSync(it.at('build'), { recursive: true })
  await it.times(3)
  mkdirSync(it.at('build'))
  await it.times(4)
  writeFileSync(it.at('build', 'plugin.wasm'), 'two')
  await it.times(5)
})
