import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuditEntry, AuditKind } from '../gen/proto/openracing/v1/audit.ts'
import { Chain } from '../gen/proto/openracing/v1/chain.ts'
import { Key, TrustLevel } from '../gen/proto/openracing/v1/key.ts'
import { CapabilityRisk, Plugin, PluginClass, PluginGoal, PluginState } from '../gen/proto/openracing/v1/plugin.ts'
import { ConductStanding, PluginConduct } from '../gen/proto/openracing/v1/quarantine.ts'
import { Rig, Waiting } from '../gen/proto/openracing/v1/rig.ts'
import { PluginPhase, ViolationKind } from '../gen/proto/openracing/v1/statistics.ts'
import { Service, ServiceState } from '../gen/proto/openracing/v1/supervisor.ts'
import { json } from './table.ts'
import { wordedChain, wordedConduct, wordedEntry, wordedKey, wordedPlugin, wordedRig, wordedService } from './worded.ts'

test('what a message says with an enum, programs read as the word that people read', () => {
  const plugin = Plugin.fromPartial({
    state: PluginState.PLUGIN_STATE_RUNNING,
    pluginClass: PluginClass.PLUGIN_CLASS_SAFE,
    goal: PluginGoal.PLUGIN_GOAL_RUNNING,
    grants: [{ capability: 'ReadTelemetry', risk: CapabilityRisk.CAPABILITY_RISK_LOW }],
    violations: [
      { kind: ViolationKind.VIOLATION_KIND_NOT_FINITE, phase: PluginPhase.PLUGIN_PHASE_PROCESSING, count: 2n },
    ],
  })
  const { state, pluginClass, goal, grants, violations } = JSON.parse(json(wordedPlugin(plugin)))
  assert.deepEqual([state, pluginClass, goal, grants[0].risk], ['running', 'Safe', 'running', 'low'])
  assert.deepEqual([violations[0].kind, violations[0].phase, violations[0].count], ['not finite', 'processing', 2])

  const link = { state: PluginState.PLUGIN_STATE_AVAILABLE }
  const chain = JSON.parse(json(wordedChain(Chain.fromPartial({ links: [link], removed: [link] }))))
  assert.deepEqual([chain.links[0].state, chain.removed[0].state], ['available', 'available'])

  const rig = Rig.fromPartial({ loop: { waiting: Waiting.WAITING_FUTEX } })
  assert.equal(JSON.parse(json(wordedRig(rig))).loop.waiting, 'futex')
  const service = Service.fromPartial({ state: ServiceState.SERVICE_STATE_FAILED })
  assert.equal(JSON.parse(json(wordedService(service))).state, 'failed')
  const key = Key.fromPartial({ trustLevel: TrustLevel.TRUST_LEVEL_DISTRUSTED })
  assert.equal(JSON.parse(json(wordedKey(key))).trustLevel, 'distrusted')
  const entry = AuditEntry.fromPartial({ kind: AuditKind.AUDIT_KIND_KEY })
  assert.equal(JSON.parse(json(wordedEntry(entry))).kind, 'key')
  const conduct = PluginConduct.fromPartial({ standing: ConductStanding.CONDUCT_STANDING_QUARANTINED })
  assert.equal(JSON.parse(json(wordedConduct(conduct))).standing, 'quarantined')
})

test('what was not worded does not compile', () => {
  const key: Key = Key.fromPartial({})
  // @ts-expect-error a level is a number
  json(key)
  // @ts-expect-error as it is in a list
  json({ keys: [key] })
  // @ts-expect-error nobody knows what that has in it
  json(key as unknown)
})
