import type { PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import { type CapabilityGrant, decideGrants, type Said, whatItAllows } from './capability-grants.ts'
import type { CapabilityWords } from './capability-words.ts'
import type { Config } from './config.ts'
import type { FileGrants } from './file-grants.ts'
import type { Capability } from './manifest-schema.ts'
import type { Runnable } from './plugin-plan.ts'

/** What a plugin has when it runs. */
export interface Granted {
  readonly capabilities: readonly Capability[]
  readonly fileSystem: readonly PathGrant[]
  /** `host` or `host:port`. */
  readonly hosts: readonly string[]
}

/** What plugins are granted: what their manifests ask for, by the rules and the words of the operator. */
export interface PluginGrants {
  /** Each capability that it asks for. `sha256`: of its artefact; null: of some bytes or other. */
  decide(plugin: Runnable, sha256: string | null): readonly CapabilityGrant[]
  /** Throws, where it is granted a directory that cannot be had, FILE_MISSING or CONFIG_INVALID. */
  of(plugin: Runnable, sha256: string): Granted
  /** As of(), and no directory: for one that cannot have what it is granted. Never throws. */
  withoutFiles(plugin: Runnable, sha256: string): Granted
  /** Every directory that one of these may be granted. Of one that cannot be had is told when its plugin is loaded. */
  directoriesOf(plugins: readonly Runnable[]): readonly PathGrant[]
}

export interface PluginGrantsNeeds {
  readonly plugins: Frozen<Pick<Config['plugins'], 'enabled' | 'autoGrant' | 'autoGrantRisk'>>
  readonly words: Pick<CapabilityWords, 'on'>
  readonly files: FileGrants
}

export function createPluginGrants({ plugins: config, words, files }: PluginGrantsNeeds): PluginGrants {
  const saidOf = ({ directory, manifest }: Runnable): Said => ({
    isNamed: config.enabled?.includes(directory) ?? false,
    byName: (Object.hasOwn(config.autoGrant, directory) ? config.autoGrant[directory] : undefined) ?? [],
    upTo: config.autoGrantRisk,
    wordOn: (capability) => words.on(manifest.id, capability),
  })
  const decide: PluginGrants['decide'] = (plugin, sha256) => decideGrants(plugin.manifest, sha256, saidOf(plugin))
  const has = (plugin: Runnable, sha256: string | null, capability: Capability): boolean =>
    decide(plugin, sha256).some((grant) => grant.granted && grant.capability === capability)

  function directoriesOf(plugin: Runnable): readonly PathGrant[] {
    try {
      return has(plugin, null, 'FileSystem') ? files(plugin) : []
    } catch {
      return []
    }
  }

  function grantedWith(plugin: Runnable, sha256: string, fileSystem: readonly PathGrant[]): Granted {
    const hosts = has(plugin, sha256, 'Network') ? plugin.manifest.permissions.network : []
    // Both mean nothing without a list.
    const means: Readonly<Record<string, boolean>> = { Network: hosts.length > 0, FileSystem: fileSystem.length > 0 }
    const granted = decide(plugin, sha256).filter((grant) => grant.granted && (means[grant.capability] ?? true))
    return { capabilities: granted.map(({ capability }) => capability), fileSystem, hosts }
  }

  return {
    decide,
    of: (plugin, sha256) => grantedWith(plugin, sha256, has(plugin, sha256, 'FileSystem') ? files(plugin) : []),
    withoutFiles: (plugin, sha256) => grantedWith(plugin, sha256, []),
    directoriesOf: (plugins) => plugins.flatMap(directoriesOf),
  }
}

/** What a plugin asks for and has not, and how it gets it; empty where it has all of it. */
export function describeUngranted({ manifest, directory }: Runnable, grants: readonly CapabilityGrant[]): string {
  const missing = grants.filter(({ granted }) => !granted)
  if (missing.length === 0) return ''
  const each = missing.map(({ capability, reason }) => {
    const other = reason === 'granted to other bytes' ? ' to these bytes' : ''
    return `${capability} is not granted${other}, which would let it ${whatItAllows(manifest, capability)}`
  })
  return `${each.join('; ')}; grant with \`wheelctl plugin grant ${directory} ${missing.map(({ capability }) => capability).join(' ')}\``
}
