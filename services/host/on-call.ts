import { z } from 'zod'
import type { PluginManifest } from './manifest.ts'
import type { Permissions } from './manifest-permissions.ts'

/** What a plugin is called by that has no UUID: it is also its id. */
export const pluginName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'write 1 to 64 letters, digits, dots, hyphens and underscores')

/** Longest call, µs; MIDIMon's, and for want of another Zenith's. */
const callUsMax = 5_000_000
/** Memory of one plugin, bytes; MIDIMon's. */
const memoryBytes = 128 << 20

/** What the dialects say of a plugin that is called when somebody asks, and not at a rate. */
export interface CalledPlugin {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly author: string
  readonly license: string
  readonly homepage: string | null
  readonly artefact: string
  readonly checksum: string | null
  readonly stateful: boolean
  readonly permissions: Permissions
  readonly warnings: readonly string[]
}

/** The complete manifest. Of what its dialects ask for, this version has files and the network to give. */
export const calledPlugin = ({ stateful, ...said }: CalledPlugin): PluginManifest => ({
  ...said,
  id: said.name.toLowerCase(),
  pluginClass: 'Safe',
  capabilities: [
    ...(said.permissions.fileSystem.length > 0 ? (['FileSystem'] as const) : []),
    ...(said.permissions.network.length > 0 ? (['Network'] as const) : []),
  ],
  operations: [],
  constraints: { maxExecutionTimeUs: callUsMax, maxMemoryBytes: memoryBytes, updateRateHz: 0, cpuAffinity: null },
  mainFunction: 'process',
  initFunction: 'init',
  cleanupFunction: 'cleanup',
  configSchema: null,
  signature: null,
  signerFingerprint: null,
  onCall: { stateful },
})

/** A directory with nothing but a module in it: what the module is called and who made it only it can say. */
export const barePlugin = (directory: string, artefact: string): PluginManifest =>
  calledPlugin({
    ...{ name: directory, version: '', description: '', author: '', license: '', homepage: null, artefact },
    ...{ checksum: null, stateful: false, permissions: { fileSystem: [], network: [] }, warnings: [] },
  })
