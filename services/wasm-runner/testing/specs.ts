import { randomUUID } from 'node:crypto'
import type { PluginSpec } from '../plugin-spec.ts'

/** A plugin that may do everything this version has, but for what `part` says. */
export const specOf = (part: Partial<PluginSpec> = {}): PluginSpec => ({
  id: randomUUID(),
  name: 'a plugin under test',
  path: '/nowhere.wasm',
  sha256: '0'.repeat(64),
  requested: part.capabilities ?? [],
  capabilities: ['ReadTelemetry', 'ModifyTelemetry', 'ControlLeds', 'InterPluginComm'],
  operations: ['TelemetryProcessor'],
  fileSystem: [],
  network: [],
  program: { arguments: [], environment: {} },
  configJson: '{}',
  budgetUs: 5000,
  memoryBytes: 16 << 20,
  rateHz: 100,
  initialRateHz: part.rateHz ?? 100,
  entryPoints: { process: 'process', initialize: 'initialize', shutdown: 'shutdown' },
  order: 0,
  ...part,
})
