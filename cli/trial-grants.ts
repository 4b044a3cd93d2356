import type { Frozen } from '../input/freeze.ts'
import type { PluginManifest } from '../services/host/manifest.ts'
import type { Granted } from '../services/host/plugin-grants.ts'

type Manifest = Frozen<PluginManifest>

/** What a plugin has while it is tried: all that its manifest asks for, but for the files of whoever tries it. */
export function grantedInTrial({ capabilities, permissions }: Manifest): Granted {
  const hosts = capabilities.includes('Network') ? permissions.network : []
  const has = capabilities.filter((name) => name !== 'FileSystem' && (name !== 'Network' || hosts.length > 0))
  return { capabilities: has, fileSystem: [], hosts }
}

/** The files that it asks for and has not; empty where it asks for none. */
export function ungrantedInTrial({ capabilities, permissions }: Manifest): string {
  const asked = permissions.fileSystem
  if (!capabilities.includes('FileSystem') || asked.length === 0) return ''
  return `FileSystem is not granted: it asks for ${asked.map(({ path, access }) => `${path} (${access})`).join(', ')}`
}
