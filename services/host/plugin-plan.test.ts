import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseManifest } from './manifest.ts'
import { type Decrees, isRunnable, planPlugins, runs } from './plugin-plan.ts'
import type { InstalledPlugin } from './registry.ts'

const manifestOf = (pluginClass: 'Safe' | 'Fast', index: number) =>
  parseManifest(
    `
id: 00000000-0000-4000-8000-${String(index).padStart(12, '0')}
name: Plugin ${index}
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: ${pluginClass}
capabilities: []
operations: []
constraints: { max_execution_time_us: 100, max_memory_bytes: 65536, update_rate_hz: ${pluginClass === 'Safe' ? 60 : 1000} }
entry_points: { wasm_module: plugin.wasm, native_library: plugin.so }
`,
    'plugin.yaml',
  )

const installed = (directory: string, pluginClass: 'Safe' | 'Fast' = 'Safe', index = 1): InstalledPlugin => ({
  directory,
  path: `/plugins/${directory}`,
  manifest: manifestOf(pluginClass, index),
  manifestFile: null,
  problem: null,
})

const abc = [installed('a'), installed('b'), installed('c')]
const plan = (enabled: readonly string[] | null, autoLoad = true, plugins: readonly InstalledPlugin[] = abc) =>
  planPlugins(plugins, { enabled, autoLoad }, '/plugins')
const running = (planned: ReturnType<typeof plan>) => planned.filter(runs).map((plugin) => plugin.directory)

test('without a list every plugin runs, or none where auto_load is false', () => {
  assert.deepEqual(running(plan(null)), ['a', 'b', 'c'])
  assert.deepEqual(running(plan(null, false)), [])
  assert.equal(plan(null, false).length, 3)
})

test('a list says which plugins run and in which order, whatever auto_load says', () => {
  assert.deepEqual(running(plan(['c', 'a'], false)), ['c', 'a'])
  assert.deepEqual(
    plan(['c', 'a']).map((plugin) => plugin.directory),
    ['c', 'a', 'b'],
  )
  assert.deepEqual(running(plan([])), [])
})

test('a plugin that is listed and not installed is shown with what to do', () => {
  const [ghost] = plan(['ghost'])
  assert.match(
    ghost?.problem ?? '',
    /^FILE_MISSING: plugins\.enabled names ghost, but \/plugins\/ghost\/plugin\.yaml does not exist/,
  )
  assert.deepEqual(running(plan(['ghost', 'a'])), ['a'])
})

test('a plugin that is broken does not run', () => {
  assert.deepEqual(running(plan(null, true, [{ ...installed('a'), problem: 'broken' }, installed('b')])), ['b'])
})

test('a plugin in quarantine is not wanted, by config.yaml and by the operator alike', () => {
  const quarantine = { untilMs: 9, reason: 'it crashed' }
  const [a, b, c] = [1, 2, 3].map((index) => installed('abc'.charAt(index - 1), 'Safe', index))
  assert.ok(a && b && c)
  const decrees: Decrees = {
    goalOf: (id) => (id === b.manifest?.id ? 'loaded' : null),
    quarantineOf: (id) => (id === c.manifest?.id ? null : quarantine),
  }
  const planned = planPlugins([a, b, c], { enabled: null, autoLoad: true }, '/plugins', decrees)
  assert.deepEqual(
    planned.map(({ directory, goal, quarantine, wanted }) => [directory, goal, quarantine?.reason, wanted]),
    [
      ['a', 'running', 'it crashed', false],
      ['b', 'loaded', 'it crashed', false],
      ['c', 'running', undefined, true],
    ],
  )
  assert.deepEqual(
    planned.filter(isRunnable).map(({ directory }) => directory),
    ['c'],
  )
})
