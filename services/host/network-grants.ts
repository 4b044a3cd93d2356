import type { Frozen } from '../../input/freeze.ts'
import { type ListedHosts, listHosts } from '../../network/listed-hosts.ts'
import type { PluginManifest } from './manifest.ts'

type Asking = Frozen<Pick<PluginManifest, 'id' | 'capabilities' | 'permissions'>>

/** The hosts that a plugin is granted when it is loaded: those that its manifest lists. The bare word grants nothing. */
export const grantedHosts = ({ capabilities, permissions }: Omit<Asking, 'id'>): readonly string[] =>
  capabilities.includes('Network') ? permissions.network : []

/** Which hosts the loaded plugins may reach: the host's own word, whatever the wasm-runner asks for. */
export interface NetworkGrants {
  /** From now on; in place of what the plugin had. */
  grant(manifest: Asking): void
  revoke(id: string): void
  /** The runner is another one, and has no plugins. */
  clear(): void
  /** Undefined for a plugin that has no network. */
  hostsOf(id: string): ListedHosts | undefined
}

export function createNetworkGrants(): NetworkGrants {
  const granted = new Map<string, ListedHosts>()
  return {
    grant(manifest) {
      const hosts = grantedHosts(manifest)
      if (hosts.length === 0) granted.delete(manifest.id)
      else granted.set(manifest.id, listHosts(hosts))
    },
    revoke: (id) => void granted.delete(id),
    clear: () => granted.clear(),
    hostsOf: (id) => granted.get(id),
  }
}
