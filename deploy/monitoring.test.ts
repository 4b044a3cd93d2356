import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { PluginClass } from '../gen/proto/openracing/v1/plugin.ts'
import { createMetrics } from '../rpc/metrics.ts'
import { rigFamilies } from '../services/host/rig-metrics.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

const missing = spawnSync('promtool', ['--version']).error !== undefined
const skip = missing && 'promtool is not installed (apt-get install prometheus)'

for (const words of [
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', 'rules.yml'],
  ['test', 'rules', 'rules.test.yml'],
]) {
  test(`promtool ${words.join(' ')}`, { skip }, () => {
    const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: `${here}prometheus`, encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
  })
}

/** The names of every series that a rig tells, with those of its processes. */
async function namesOfRig(): Promise<ReadonlySet<string>> {
  const metrics = createMetrics('host')
  metrics.began('/openracing.v1.RigService/GetRig')(0)
  const id = 'a'
  const counts = { executions: 1n, failures: 0n, missedDeadlines: 0n, restarts: 0 }
  const statistics = { ...counts, cpu: { buckets: [], maxNs: 0n }, memory: { allocatedBytes: 1n }, fuel: { mean: 1 } }
  const plugin = {
    id,
    name: id,
    directory: id,
    pluginClass: PluginClass.PLUGIN_CLASS_FAST,
    updateRateHz: 1000,
    statistics,
  }
  const violations = [{ kind: 1, count: 1n }]
  const now = {
    rig: {},
    plugins: [{ ...plugin, violations }],
    conducts: [{ id, standing: { level: 0 }, totals: { crash: 1 } }],
    services: [{ name: 'trust', state: { kind: 'running', restarts: 0 } }],
  }
  metrics.extend(async () => rigFamilies(now as never))
  return new Set((await metrics.text()).match(/^[a-z_]\w*(?=[{ ])/gm))
}

/** Names of series in an expression: words that are no function, no label and no keyword. */
const namesIn = (expression: string): readonly string[] =>
  (expression.replaceAll(/"[^"]*"/g, '').match(/\b(?:openracing|grpc|process|nodejs)[a-z0-9_:]*/g) ?? []).filter(
    (name) => !/^grpc_(service|method|code)$/.test(name),
  )

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly record?: string; readonly expr: string }[] }[]
}
const rules = (parse(read('prometheus/rules.yml')) as Rules).groups.flatMap((group) => group.rules)

test('every rule asks for what a rig tells, or for what another rule records', async () => {
  const known = new Set([...(await namesOfRig()), ...rules.flatMap(({ record }) => record ?? [])])
  const asked = rules.flatMap(({ expr }) => namesIn(expr))
  assert.ok(asked.length > 20)
  assert.deepEqual(
    asked.filter((name) => !known.has(name)),
    [],
  )
})

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

test('every panel of the dashboard asks for what a rig tells', async () => {
  const known = await namesOfRig()
  const { panels } = JSON.parse(read('grafana/dashboards/openracing-rig.json')) as { readonly panels: readonly Panel[] }
  const asking = panels.filter(({ targets }) => targets !== undefined)
  assert.ok(asking.length > 20)
  for (const { title, targets = [] } of asking) {
    for (const { expr } of targets) {
      const names = namesIn(expr)
      assert.ok(names.length > 0, `${title}: ${expr}`)
      assert.deepEqual(
        names.filter((name) => !known.has(name)),
        [],
        `${title}: ${expr}`,
      )
    }
  }
})
