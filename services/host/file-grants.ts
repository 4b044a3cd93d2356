import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { isBelow } from './manifest-artefact.ts'
import type { PathPermission } from './manifest-permissions.ts'
import type { Runnable } from './plugin-plan.ts'
import { realPlace } from './real-place.ts'

/**
 * The directories that a plugin which is granted FileSystem may use: those that its manifest lists. Throws, where one of
 * them cannot be had, FILE_MISSING or CONFIG_INVALID.
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
    `${plugin.directory} is granted FileSystem, and its manifest lists ${path}, which ${what}; change the list in its manifest, or take the grant back: \`wheelctl plugin revoke ${plugin.directory} FileSystem\``,
  )

function realDirectory(plugin: Runnable, path: string): string {
  try {
    const real = realpathSync(path)
    if (statSync(real).isDirectory()) return real
  } catch (cause) {
    throw new RigError(
      'FILE_MISSING',
      `${plugin.directory} is granted ${path}, which cannot be found (${(cause as Error).message}); make the directory, then \`wheelctl plugin reload ${plugin.directory}\``,
      { cause },
    )
  }
  throw refused(plugin, path, 'is no directory')
}

/** The rig's own directories are granted to nobody. */
export function createFileGrants({
  configDir,
  stateDir,
  runtimeDir,
  shmDir,
}: Pick<Home, 'configDir' | 'stateDir' | 'runtimeDir' | 'shmDir'>): FileGrants {
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

  return (plugin) =>
    plugin.manifest.permissions.fileSystem.map((permission) => {
      const path = resolve(plugin.path, permission.path)
      const real = realDirectory(plugin, path)
      check(plugin, path, real, permission)
      return { name: permission.path, path: real, access: accessOf[permission.access] }
    })
}
