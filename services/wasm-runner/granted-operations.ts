import type { PluginSpec, SafeCapability, SafeOperation } from './plugin-spec.ts'

/** What an operation needs before a plugin is called for it. */
const needs: Record<SafeOperation, SafeCapability> = { TelemetryProcessor: 'ReadTelemetry', LedMapper: 'ControlLeds' }

/** What a plugin would do, and what it has. */
export type Granted = Pick<PluginSpec, 'operations' | 'capabilities'>

const has = (spec: Granted, capability: SafeCapability): boolean => spec.capabilities.includes(capability)

/** What a plugin is called for, and what becomes of its answers. */
export interface GrantedOperations {
  readonly telemetry: boolean
  readonly leds: boolean
  /** It sees telemetry; without the grant its frame is all zeroes. */
  readonly sees: boolean
  /** It takes part in the force pipeline. */
  readonly force: boolean
}

/** Of a plugin that is not called. */
export const runsNothing: GrantedOperations = { telemetry: false, leds: false, sees: false, force: false }

export function grantedOperations(spec: Granted): GrantedOperations {
  const runs = (operation: SafeOperation): boolean => spec.operations.includes(operation) && has(spec, needs[operation])
  const telemetry = runs('TelemetryProcessor')
  return {
    telemetry,
    leds: runs('LedMapper'),
    sees: has(spec, 'ReadTelemetry'),
    force: telemetry && has(spec, 'ModifyTelemetry'),
  }
}

/** Says what a plugin is not called for although its manifest has it, for its detail; empty when there is nothing. */
export function ungrantedDetail(spec: Granted): string {
  return spec.operations
    .filter((operation) => !has(spec, needs[operation]))
    .map((operation) => `${operation} is not run: ${needs[operation]} is not granted`)
    .join('; ')
}
