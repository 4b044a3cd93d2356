import type { PluginSpec, SafeCapability, SafeOperation } from './plugin-spec.ts'

/** What an operation needs before a plugin is called for it. */
const needs: Record<SafeOperation, SafeCapability> = { TelemetryProcessor: 'ReadTelemetry', LedMapper: 'ControlLeds' }

const has = (spec: PluginSpec, capability: SafeCapability): boolean => spec.capabilities.includes(capability)

/** What a plugin is called for, and what becomes of its answers. */
export interface GrantedOperations {
  readonly telemetry: boolean
  readonly leds: boolean
  /** It sees telemetry; without the grant its frame is all zeroes. */
  readonly sees: boolean
  /** It takes part in the force pipeline. */
  readonly force: boolean
}

export function grantedOperations(spec: PluginSpec): GrantedOperations {
  const runs = (operation: SafeOperation): boolean => spec.operations.includes(operation) && has(spec, needs[operation])
  const telemetry = runs('TelemetryProcessor')
  return {
    telemetry,
    leds: runs('LedMapper'),
    sees: has(spec, 'ReadTelemetry'),
    force: telemetry && has(spec, 'ModifyTelemetry'),
  }
}

/** Says what of its manifest a plugin does not have, for its detail; empty when it has all. */
export function ungrantedDetail(spec: PluginSpec): string {
  const operations = spec.operations
    .filter((operation) => !has(spec, needs[operation]))
    .map((operation) => `${operation} is not run: ${needs[operation]} is not granted`)
  const nothing = has(spec, 'FileSystem') && spec.fileSystem.length === 0
  return [...operations, ...(nothing ? ['it has no files: no path is granted'] : [])].join('; ')
}
