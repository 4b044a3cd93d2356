import { type ListedHosts, listHosts } from '../../network/listed-hosts.ts'

/** Which hosts the loaded plugins may reach: the host's own word, whatever the wasm-runner asks for. */
export interface NetworkGrants {
  /** From now on; in place of what the plugin had. */
  grant(id: string, hosts: readonly string[]): void
  revoke(id: string): void
  /** The runner is another one, and has no plugins. */
  clear(): void
  /** Undefined for a plugin that has no network. */
  hostsOf(id: string): ListedHosts | undefined
}

export function createNetworkGrants(): NetworkGrants {
  const granted = new Map<string, ListedHosts>()
  return {
    grant(id, hosts) {
      if (hosts.length === 0) granted.delete(id)
      else granted.set(id, listHosts(hosts))
    },
    revoke: (id) => void granted.delete(id),
    clear: () => granted.clear(),
    hostsOf: (id) => granted.get(id),
  }
}
