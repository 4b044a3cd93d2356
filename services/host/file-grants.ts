import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import type { Config } from './config.ts'
import { isBelow } from './manifest-artefact.ts'
import type { PathPermission } from './manifest-permissions.ts'
import type { Runnable } from './plugin-plan.ts'
import { realPlace } from './real-place.ts'

/**
 * The directories that a plugin may use: those that its manifest lists, where the user grants it FileSystem; none where
 * nobody does. Throws, when the plugin is granted one that cannot be had, FILE_MISSING or CONFIG_INVALID.
 */
export type FileGrants = (plugin: Runnable) => readonly PathGrant[]

const accessOf: Readonly<Record<PathPermission['access'], PathAccess>> = {
  read: PathAccess.PATH_ACCESS_READ,
  read_write: PathAccess.PATH_ACCESS_READ_WRITE,
}

/** What is no place for anybody's files: what is there is the kernel, and the memory of other processes. */
const systemPlaces = ['/proc', '/sys', '/dev']

const isWithin = (directory: string, path: string): boolean => path === directory || isBelow(directory, path)

const refused = (plugin: Runnable, path: string, what: string): RigError =>
  new RigError(
    'CONFIG_INVALID',
    `plugins.enabled grants ${plugin.directory} FileSystem, and its manifest lists ${path}, which ${what}; change the list in its manifest, or remove FileSystem from auto_grant`,
  )

function realDirectory(plugin: Runnable, path: string): string {
  try {
    const real = realpathSync(path)
    if (statSync(real).isDirectory()) return real
  } catch (cause) {
    throw new RigError(
      'FILE_MISSING',
      `${plugin.directory} is granted ${path}, which cannot be found (${(cause as Error).message}); make the directory and start the rig again`,
      { cause },
    )
  }
  throw refused(plugin, path, 'is no directory')
}

/** Grants by the user's word in the configuration. The rig's own directories are granted to nobody. */
export function createFileGrants(
  autoGrant: Frozen<Config['plugins']['autoGrant']>,
  { configDir, stateDir, runtimeDir, shmDir }: Pick<Home, 'configDir' | 'stateDir' | 'runtimeDir' | 'shmDir'>,
): FileGrants {
  // One of them may not exist yet: then nobody can be granted it either.
  const rigPlaces = [configDir, stateDir, runtimeDir, shmDir].map(realPlace)

  /** A plugin's own directory is among the rig's, and the plugin's to read; its manifest is not its own to write. */
  const isOwn = (plugin: Runnable, real: string, { access }: PathPermission): boolean => {
    const own = realPlace(plugin.path)
    return isBelow(own, real) || (real === own && access === 'read')
  }

  function check(plugin: Runnable, path: string, real: string, permission: PathPermission): void {
    if (systemPlaces.some((place) => isWithin(place, real))) throw refused(plugin, path, "is the system's own")
    if (isOwn(plugin, real, permission)) return
    const touched = rigPlaces.find((place) => isWithin(place, real) || isWithin(real, place))
    if (touched !== undefined) throw refused(plugin, path, `is, holds or lies in ${touched}, the rig's own`)
  }

  return (plugin) => {
    const word = Object.hasOwn(autoGrant, plugin.directory) ? autoGrant[plugin.directory] : undefined
    if (!word?.includes('FileSystem')) return []
    if (!plugin.manifest.capabilities.includes('FileSystem')) return []
    return plugin.manifest.permissions.fileSystem.map((permission) => {
      const path = resolve(plugin.path, permission.path)
      const real = realDirectory(plugin, path)
      check(plugin, path, real, permission)
      return { name: permission.path, path: real, access: accessOf[permission.access] }
    })
  }
}

/** What all of them are granted together. Of one that cannot have what it is granted the reason is told when it is loaded. */
export const grantedTo = (plugins: readonly Runnable[], grants: FileGrants): readonly PathGrant[] =>
  plugins.flatMap((plugin) => {
    try {
      return grants(plugin)
    } catch {
      return []
    }
  })

/** What a plugin asks for under FileSystem and is not granted; empty when there is nothing. */
export function ungrantedFiles(manifest: Runnable['manifest'], granted: readonly PathGrant[]): string {
  const asked = manifest.permissions.fileSystem
  if (!manifest.capabilities.includes('FileSystem') || asked.length === 0 || granted.length > 0) return ''
  return `FileSystem is not granted: it asks for ${asked.map(({ path, access }) => `${path} (${access})`).join(', ')}`
}
