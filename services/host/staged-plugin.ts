import { mkdirSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Frozen } from '../../input/freeze.ts'
import { parseFailure, RigError } from '../../rpc/failure.ts'
import { syncToDisk } from '../../state/durable-file.ts'
import { archiveInvalid } from './archive-path.ts'
import { directoryNameOf, parseDirectoryName } from './install-decision.ts'
import type { PluginManifest } from './manifest.ts'
import type { Runnable } from './plugin-plan.ts'
import { type InstalledPlugin, readPlugin } from './registry.ts'

/** The plugin in a directory, wherever it lies. Throws what is wrong with it, with the directory as `shown`. */
export function readStaged(path: string, shown: string): Runnable {
  const plugin = readPlugin(dirname(path), basename(path))
  const { manifest, problem } = plugin
  if (manifest !== null && problem === null)
    return { ...plugin, manifest, goal: 'running', quarantine: null, wanted: true }
  throw inTermsOf(path, shown, parseFailure(problem ?? '') ?? new RigError('MANIFEST_INVALID', problem ?? shown))
}

/** The failure for somebody who does not know where we put things together. */
export function inTermsOf(path: string, shown: string, cause: unknown): unknown {
  if (!(cause instanceof RigError)) return cause
  return new RigError(cause.code, cause.detail.replaceAll(path, shown), { cause })
}

/** Where a plugin belongs, and which version of it is there. */
export interface Belonging {
  readonly directory: string
  readonly before: (InstalledPlugin & { readonly manifest: Frozen<PluginManifest> }) | undefined
}

export interface BelongingNeeds {
  readonly installed: readonly InstalledPlugin[]
  /** Whether anything is in this directory. */
  readonly has: (directory: string) => boolean
  /** What the operator wants it to be called; empty: nothing. */
  readonly name: string
}

/**
 * The directory of a plugin: that of the version which is there, or the one that is asked for, or one by its name.
 * Throws PLUGIN_INSTALLED when it is another plugin's, REQUEST_INVALID for a name that is none.
 */
export function belongingOf({ id, name: title }: Frozen<PluginManifest>, needs: BelongingNeeds): Belonging {
  const { installed, has, name } = needs
  const asked = name === '' ? undefined : parseDirectoryName(name)
  const same = installed.filter(({ manifest }) => manifest?.id === id)
  const there = same.find(({ problem }) => problem === null) ?? same[0]
  if (there?.manifest) {
    const directory = basename(there.path)
    if (asked === undefined || asked === directory) return { directory, before: { ...there, manifest: there.manifest } }
    const remedy = 'leave --name away, or uninstall it first'
    throw new RigError('PLUGIN_INSTALLED', `${title} is installed in ${directory}, and not in ${asked}; ${remedy}`)
  }
  const directory = asked ?? directoryNameOf(title)
  if (!has(directory)) return { directory, before: undefined }
  const other = installed.find(({ path }) => basename(path) === directory)?.manifest?.name ?? 'something else'
  throw new RigError(
    'PLUGIN_INSTALLED',
    `the directory ${directory} for ${title} has ${other} in it; give another name with --name`,
  )
}

/** What a plugin is called that has no manifest: it has no other name than that of its directory. */
function bareName(top: string | undefined, name: string): string {
  if (name !== '') return parseDirectoryName(name)
  if (top !== undefined) return directoryNameOf(top)
  throw archiveInvalid('the archive has no manifest and no directory to call the plugin by; give its name with --name')
}

/**
 * The plugin that was unpacked to `unpacked`, as it will be read once it is in place: `place` is the directory to put it
 * in. `top`: the directory that holds everything, where there is one.
 */
export function settleStaged(
  unpacked: string,
  top: string | undefined,
  place: string,
  needs: BelongingNeeds,
): { readonly plugin: Runnable; readonly belonging: Belonging } {
  const root = join(unpacked, top ?? '')
  const found = readStaged(root, '(archive)')
  const bare = found.manifestFile === null ? bareName(top, needs.name) : undefined
  const { manifest } = found
  const named = bare === undefined ? manifest : { ...manifest, id: bare, name: bare }
  const belonging = belongingOf(named, needs)
  const path = join(place, belonging.directory)
  mkdirSync(place)
  renameSync(root, path)
  syncToDisk(place)
  return { plugin: readStaged(path, '(archive)'), belonging }
}
