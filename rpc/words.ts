import { AuditKind } from '../gen/proto/openracing/v1/audit.ts'
import { TrustLevel } from '../gen/proto/openracing/v1/key.ts'
import { LogLevel } from '../gen/proto/openracing/v1/log.ts'
import { CapabilityRisk, type Plugin, PluginClass, PluginGoal, PluginState } from '../gen/proto/openracing/v1/plugin.ts'
import { ConductStanding } from '../gen/proto/openracing/v1/quarantine.ts'
import { Waiting } from '../gen/proto/openracing/v1/rig.ts'
import { PluginPhase, ViolationKind } from '../gen/proto/openracing/v1/statistics.ts'
import { ServiceState } from '../gen/proto/openracing/v1/supervisor.ts'

// The words of the API for a person. A state that is added there without a word here does not compile.

const pluginStates: Record<PluginState, string> = {
  [PluginState.PLUGIN_STATE_UNSPECIFIED]: 'unknown',
  [PluginState.PLUGIN_STATE_AVAILABLE]: 'available',
  [PluginState.PLUGIN_STATE_LOADED]: 'loaded',
  [PluginState.PLUGIN_STATE_RUNNING]: 'running',
  [PluginState.PLUGIN_STATE_WAITING]: 'waiting',
  [PluginState.PLUGIN_STATE_FAILED]: 'failed',
  [PluginState.PLUGIN_STATE_VERIFIED]: 'verified',
  [PluginState.PLUGIN_STATE_ENABLED]: 'enabled',
  [PluginState.PLUGIN_STATE_THROTTLED]: 'throttled',
  [PluginState.PLUGIN_STATE_QUARANTINED]: 'quarantined',
  [PluginState.PLUGIN_STATE_DISABLED]: 'disabled',
  [PluginState.PLUGIN_STATE_UNSUPPORTED]: 'unsupported',
}

const pluginGoals: Record<PluginGoal, string> = {
  [PluginGoal.PLUGIN_GOAL_UNSPECIFIED]: 'unknown',
  [PluginGoal.PLUGIN_GOAL_RUNNING]: 'running',
  [PluginGoal.PLUGIN_GOAL_LOADED]: 'loaded',
  [PluginGoal.PLUGIN_GOAL_AVAILABLE]: 'available',
  [PluginGoal.PLUGIN_GOAL_DISABLED]: 'disabled',
}

const serviceStates: Record<ServiceState, string> = {
  [ServiceState.SERVICE_STATE_UNSPECIFIED]: 'unknown',
  [ServiceState.SERVICE_STATE_STOPPED]: 'stopped',
  [ServiceState.SERVICE_STATE_STARTING]: 'starting',
  [ServiceState.SERVICE_STATE_RUNNING]: 'running',
  [ServiceState.SERVICE_STATE_WAITING]: 'waiting',
  [ServiceState.SERVICE_STATE_FAILED]: 'failed',
}

const pluginClasses: Record<PluginClass, string> = {
  [PluginClass.PLUGIN_CLASS_UNSPECIFIED]: 'unknown',
  [PluginClass.PLUGIN_CLASS_SAFE]: 'Safe',
  [PluginClass.PLUGIN_CLASS_FAST]: 'Fast',
}

const violationKinds: Record<ViolationKind, string> = {
  [ViolationKind.VIOLATION_KIND_UNSPECIFIED]: 'unknown',
  [ViolationKind.VIOLATION_KIND_CRASH]: 'crash',
  [ViolationKind.VIOLATION_KIND_CAPABILITY]: 'capability',
  [ViolationKind.VIOLATION_KIND_TIMEOUT]: 'timeout',
  [ViolationKind.VIOLATION_KIND_MEMORY]: 'memory',
  [ViolationKind.VIOLATION_KIND_BUDGET]: 'budget',
  [ViolationKind.VIOLATION_KIND_RESULT]: 'result',
  [ViolationKind.VIOLATION_KIND_NOT_FINITE]: 'not finite',
  [ViolationKind.VIOLATION_KIND_PROTOCOL]: 'protocol',
}

const pluginPhases: Record<PluginPhase, string> = {
  [PluginPhase.PLUGIN_PHASE_UNSPECIFIED]: 'unknown',
  [PluginPhase.PLUGIN_PHASE_LOADING]: 'loading',
  [PluginPhase.PLUGIN_PHASE_CREATING]: 'creating',
  [PluginPhase.PLUGIN_PHASE_IDLE]: 'idle',
  [PluginPhase.PLUGIN_PHASE_PROCESSING]: 'processing',
  [PluginPhase.PLUGIN_PHASE_DESTROYING]: 'destroying',
}

const trustLevels: Record<TrustLevel, string> = {
  [TrustLevel.TRUST_LEVEL_UNSPECIFIED]: 'none',
  [TrustLevel.TRUST_LEVEL_TRUSTED]: 'trusted',
  [TrustLevel.TRUST_LEVEL_UNKNOWN]: 'unknown',
  [TrustLevel.TRUST_LEVEL_DISTRUSTED]: 'distrusted',
}

const auditKinds: Record<AuditKind, string> = {
  [AuditKind.AUDIT_KIND_UNSPECIFIED]: 'unknown',
  [AuditKind.AUDIT_KIND_ARTEFACT]: 'artefact',
  [AuditKind.AUDIT_KIND_KEY]: 'key',
  [AuditKind.AUDIT_KIND_PLUGIN]: 'plugin',
}

const standings: Record<ConductStanding, string> = {
  [ConductStanding.CONDUCT_STANDING_UNSPECIFIED]: 'unknown',
  [ConductStanding.CONDUCT_STANDING_FREE]: 'free',
  [ConductStanding.CONDUCT_STANDING_WARNED]: 'warned',
  [ConductStanding.CONDUCT_STANDING_THROTTLED]: 'throttled',
  [ConductStanding.CONDUCT_STANDING_QUARANTINED]: 'quarantined',
}

const waitings: Record<Waiting, string> = {
  [Waiting.WAITING_UNSPECIFIED]: 'unknown',
  [Waiting.WAITING_PREDICTIVE]: 'predictive',
  [Waiting.WAITING_FUTEX]: 'futex',
}

const logLevels = {
  [LogLevel.LOG_LEVEL_UNSPECIFIED]: 'unknown',
  [LogLevel.LOG_LEVEL_TRACE]: 'trace',
  [LogLevel.LOG_LEVEL_DEBUG]: 'debug',
  [LogLevel.LOG_LEVEL_INFO]: 'info',
  [LogLevel.LOG_LEVEL_WARN]: 'warn',
  [LogLevel.LOG_LEVEL_ERROR]: 'error',
  [LogLevel.LOG_LEVEL_FATAL]: 'fatal',
  [LogLevel.LOG_LEVEL_SILENT]: 'silent',
} as const satisfies Record<LogLevel, string>

/** The value that a person means by a word; undefined where none has it. Nobody means the unspecified one. */
const meaning =
  <Value extends number>(words: Readonly<Record<Value, string>>) =>
  (word: string): Value | undefined => {
    const found = Object.entries(words).find(([value, each]) => each === word && value !== '0')
    return found && (Number(found[0]) as Value)
  }

export const trustLevelOf = meaning(trustLevels)
export const logLevelOf = meaning<LogLevel>(logLevels)
export const logLevelWords: readonly string[] = Object.values(logLevels).filter((word) => word !== 'unknown')
export const auditKindOf = meaning(auditKinds)
export const trustLevelWord = (level: TrustLevel): string => trustLevels[level]
export const auditKindWord = (kind: AuditKind): string => auditKinds[kind]
export const waitingWord = (waiting: Waiting = Waiting.WAITING_UNSPECIFIED): string => waitings[waiting]
const risks: Record<CapabilityRisk, string> = {
  [CapabilityRisk.CAPABILITY_RISK_UNSPECIFIED]: 'unknown',
  [CapabilityRisk.CAPABILITY_RISK_LOW]: 'low',
  [CapabilityRisk.CAPABILITY_RISK_MEDIUM]: 'medium',
  [CapabilityRisk.CAPABILITY_RISK_HIGH]: 'high',
}

export const riskWord = (risk: CapabilityRisk): string => risks[risk]
export const pluginStateWord = (plugin: Pick<Plugin, 'state'>): string => pluginStates[plugin.state]
export const pluginGoalWord = (goal: PluginGoal): string => pluginGoals[goal]
export const standingWord = (standing: ConductStanding): string => standings[standing]
export const pluginClassWord = (plugin: Plugin): string => pluginClasses[plugin.pluginClass]
export const serviceStateWord = (state: ServiceState): string => serviceStates[state]
export const pluginPhaseWord = (phase: PluginPhase): string => pluginPhases[phase]
export const logLevelWord = (level: LogLevel): (typeof logLevels)[LogLevel] => logLevels[level]
export const violationWord = (kind: ViolationKind): string => violationKinds[kind]
