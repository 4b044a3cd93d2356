import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { Roster } from './roster.ts'

type SavedSpec = Roster['places'][number]['spec']

/** JSON has no 64-bit integers: the memory limit travels as text. */
export const toSaved = (spec: FastPluginSpec): SavedSpec => ({
  ...spec,
  maxMemoryBytes: spec.maxMemoryBytes.toString(),
})

export const fromSaved = (spec: SavedSpec): FastPluginSpec => ({ ...spec, maxMemoryBytes: BigInt(spec.maxMemoryBytes) })

/** True when a process that runs `a` is what `b` asks for, at whatever rate: same plugin, bytes, configuration and limits. */
export const sameSpec = (a: FastPluginSpec, b: FastPluginSpec): boolean =>
  a.id === b.id &&
  a.sha256 === b.sha256 &&
  a.configJson === b.configJson &&
  a.budgetUs === b.budgetUs &&
  a.maxMemoryBytes === b.maxMemoryBytes &&
  a.directory === b.directory &&
  a.allowUnsandboxed === b.allowUnsandboxed
