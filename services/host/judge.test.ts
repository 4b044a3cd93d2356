import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Decision, VerifyArtefactResponse } from '../../gen/proto/openracing/v1/trust.ts'
import { parseConfig } from './config.ts'
import { createJudge } from './judge.ts'
import { isRunnable, planPlugins } from './plugin-plan.ts'
import { scanPlugins } from './registry.ts'

const pluginDir = mkdtempSync(join(tmpdir(), 'openracing-judge-'))
after(() => rmSync(pluginDir, { recursive: true }))
const file = (name: string): string => join(pluginDir, 'judged', name)
const manifest = `
id: 00000000-0000-4000-8000-000000000001
name: Judged
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry]
operations: [TelemetryProcessor]
constraints: { max_execution_time_us: 150, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

const judgedSha256 = 'ab'.repeat(32)
const judge = createJudge({
  native: parseConfig('', 'config.yaml').plugins.native,
  services: {
    verify: async () =>
      VerifyArtefactResponse.fromPartial({
        decision: Decision.DECISION_LOAD,
        sha256: judgedSha256,
        verifiedPath: '/v',
      }),
  },
  isServing: () => true,
  configs: { check: () => Promise.reject(new Error('there is no schema')) },
  versions: { of: () => '' },
})

test('a plugin is judged by the manifest that was read, and by no other that lies there by now', async () => {
  mkdirSync(join(pluginDir, 'judged'))
  writeFileSync(file('plugin.wasm'), 'module')
  writeFileSync(file('plugin.yaml'), manifest)
  const [plugin] = planPlugins(scanPlugins(pluginDir), { enabled: null, autoLoad: true }, pluginDir).filter(isRunnable)
  assert.ok(plugin)
  assert.equal((await judge(plugin)).verified.sha256, judgedSha256)
  writeFileSync(file('plugin.yaml'), manifest.replace('ReadTelemetry', 'ReadTelemetry, ModifyTelemetry'))
  await assert.rejects(judge(plugin), {
    code: 'MANIFEST_INVALID',
    message: /plugin\.yaml is not what was read before; `wheelctl plugin reload` reads it again/,
  })
})
