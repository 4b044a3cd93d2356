import { CapabilityRisk, type CapabilityGrant as Message } from '../../gen/proto/openracing/v1/plugin.ts'
import { type CapabilityGrant, type Risk, whatItAllows } from './capability-grants.ts'
import type { PlannedPlugin, Runnable } from './plugin-plan.ts'

const riskOf: Readonly<Record<Risk, CapabilityRisk>> = {
  low: CapabilityRisk.CAPABILITY_RISK_LOW,
  medium: CapabilityRisk.CAPABILITY_RISK_MEDIUM,
  high: CapabilityRisk.CAPABILITY_RISK_HIGH,
}

const hasManifest = (plugin: PlannedPlugin): plugin is PlannedPlugin & Runnable => plugin.manifest !== null

/** What became of each capability that a plugin asks for, for the API. */
export function grantMessages(
  plugin: PlannedPlugin,
  decide: (plugin: Runnable) => readonly CapabilityGrant[],
): Message[] {
  if (!hasManifest(plugin)) return []
  return decide(plugin).map(({ capability, risk, granted, reason }) => ({
    ...{ capability, granted, reason, risk: riskOf[risk] },
    allows: whatItAllows(plugin.manifest, capability),
  }))
}
