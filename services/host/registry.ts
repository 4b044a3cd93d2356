import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { type Frozen, freezeDeep } from '../../input/freeze.ts'
import { onOneLine } from '../../input/one-line.ts'
import { RigError } from '../../rpc/failure.ts'
import { type PluginManifest, parseManifest, readManifestText } from './manifest.ts'
import { isBelow } from './manifest-artefact.ts'
import { parseTomlManifest } from './manifest-toml.ts'
import { type Unsupported, UnsupportedPlugin } from './manifest-unsupported.ts'
import { barePlugin, pluginName } from './on-call.ts'

/** Which text a manifest was parsed from. */
export interface ManifestSource {
  readonly name: string
  /** Hex, lower case. */
  readonly sha256: string
}

/** A directory below the plugin directory that holds a plugin. */
export interface InstalledPlugin {
  /** The directory's name. */
  readonly directory: string
  /** Its path. */
  readonly path: string
  /** Null when it could not be read. */
  readonly manifest: Frozen<PluginManifest> | null
  /** The file that the manifest was read from, and the SHA-256 of its text; null when it has none. */
  readonly manifestFile: ManifestSource | null
  /** Why this plugin can never run, a code and a sentence; null when nothing is known against it. */
  readonly problem: string | null
  /** What it says of itself where the problem is that nothing here runs its kind. */
  readonly unsupported?: Unsupported
}

/** The manifests of the dialects, by the names of their files; where there are two, the first counts. */
const readers = [
  { name: 'plugin.yaml', parse: parseManifest },
  { name: 'plugin.toml', parse: parseTomlManifest },
] as const

export const manifestNames: readonly string[] = readers.map(({ name }) => name)

/** What a plugin is made of. None of it may be a link to something that belongs to nobody knows whom. */
const ownFiles = [...manifestNames, 'config.json']

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // no link
  }
}

const isDangling = (path: string): boolean => !existsSync(path) && linkTarget(path) !== undefined
const isThere = (path: string): boolean => existsSync(path) || isDangling(path)

/** None in what is no directory, or cannot be read: what is wrong with it is told by who reads it. */
function filesIn(path: string, ending: RegExp): readonly string[] {
  try {
    return readdirSync(path).filter((name) => ending.test(name))
  } catch {
    return []
  }
}

const modulesIn = (path: string): readonly string[] => filesIn(path, /\.wasm$/)
const librariesIn = (path: string): readonly string[] => filesIn(path, /\.(so|dll|dylib)$/)

function refuseEscape(root: string, path: string): void {
  if (isDangling(path)) {
    const target = onOneLine(linkTarget(path) ?? '')
    throw new RigError('FILE_MISSING', `${path} is a link to ${target}, which does not exist; remove the link`)
  }
  const real = realpathSync(path)
  if (isBelow(root, real)) return
  throw new RigError('MANIFEST_INVALID', `${path} is a link to ${real}, outside ${root}; copy what it links to`)
}

function refuseEscapes(pluginDir: string, path: string): void {
  refuseEscape(realpathSync(pluginDir), path)
  const own = realpathSync(path)
  for (const file of ownFiles.map((name) => join(path, name))) if (isThere(file)) refuseEscape(own, file)
}

/** A module that nothing describes is called by the name of its directory. */
function readBare(path: string, directory: string): Frozen<PluginManifest> {
  const [artefact, another] = modulesIn(path)
  const [library] = librariesIn(path)
  if (artefact === undefined && library !== undefined) {
    const what = `${path} has the native library ${onOneLine(library)} and no manifest`
    throw new RigError('MANIFEST_INVALID', `${what}; write a plugin.yaml that says what it is and may do`)
  }
  if (artefact === undefined || another !== undefined) {
    throw new RigError(
      'MANIFEST_INVALID',
      `${path} has no manifest and ${artefact === undefined ? 'no module' : 'more than one module'}; keep one .wasm file there, or write a plugin.toml`,
    )
  }
  if (onOneLine(artefact) !== artefact) {
    const what = `${path} has the module ${onOneLine(artefact)} and no manifest`
    throw new RigError('MANIFEST_INVALID', `${what}; rename the module, without control characters`)
  }
  const named = pluginName.safeParse(directory)
  if (named.success) return freezeDeep(barePlugin(named.data, artefact))
  const [issue] = named.error.issues
  throw new RigError(
    'MANIFEST_INVALID',
    `the directory ${path} has no manifest, so its name is the plugin's; ${issue?.message}`,
  )
}

function readAnyManifest(path: string, directory: string): Pick<InstalledPlugin, 'manifest' | 'manifestFile'> {
  const found = readers.find(({ name }) => existsSync(join(path, name)))
  if (found === undefined) return { manifest: readBare(path, directory), manifestFile: null }
  const { name, parse } = found
  const text = readManifestText(join(path, name))
  const sha256 = createHash('sha256').update(text).digest('hex') // of what is parsed, and of nothing that is read again
  return { manifest: parse(text, join(path, name)), manifestFile: { name, sha256 } }
}

/** One plugin as it lies on the disk now. Blocks on it. */
export function readPlugin(pluginDir: string, directory: string): InstalledPlugin {
  const path = join(pluginDir, directory)
  const shown = onOneLine(directory)
  if (shown !== directory) {
    const { message } = new RigError(
      'MANIFEST_INVALID',
      `the directory ${join(pluginDir, shown)} has a name of more than one line or with control characters; rename it`,
    )
    return { directory: shown, path, manifest: null, manifestFile: null, problem: message }
  }
  try {
    refuseEscapes(pluginDir, path)
    return { directory, path, ...readAnyManifest(path, directory), problem: null }
  } catch (cause) {
    const problem = cause instanceof RigError ? cause.message : `${path} cannot be read: ${(cause as Error).message}`
    const unsupported = cause instanceof UnsupportedPlugin ? { unsupported: cause.said } : {}
    return { directory, path, manifest: null, manifestFile: null, problem, ...unsupported }
  }
}

/** Of two plugins with one id the first is the plugin: which one runs must not depend on luck. A broken one has no id. */
export function refuseDuplicates(plugins: readonly InstalledPlugin[]): readonly InstalledPlugin[] {
  const first = new Map<string, string>()
  return plugins.map((plugin) => {
    if (plugin.manifest === null || plugin.problem !== null) return plugin
    const { id } = plugin.manifest
    const other = first.get(id)
    first.set(id, other ?? plugin.directory)
    if (other === undefined) return plugin
    const refusal = new RigError(
      'MANIFEST_INVALID',
      `id ${id} in ${plugin.path} is that of the plugin in ${other}; give each an id of its own, such as the output of uuidgen`,
    )
    return { ...plugin, problem: refusal.message }
  })
}

function isCandidate(pluginDir: string, directory: string): boolean {
  if (directory.startsWith('.')) return false
  const path = join(pluginDir, directory)
  const isDescribed = isDangling(path) || readers.some(({ name }) => isThere(join(path, name)))
  return isDescribed || modulesIn(path).length > 0 || librariesIn(path).length > 0
}

/** The plugin in a directory as it lies on the disk now; undefined where there is none. Blocks on the disk. */
export const findPlugin = (pluginDir: string, directory: string): InstalledPlugin | undefined =>
  isCandidate(pluginDir, directory) ? readPlugin(pluginDir, directory) : undefined

/**
 * The plugins below a directory, in the order of their directories' names. One that is broken is listed with what is
 * wrong with it; a directory without a manifest, a module or a library is no plugin. Blocks on the disk.
 */
export function scanPlugins(pluginDir: string): readonly InstalledPlugin[] {
  return readdirSync(pluginDir)
    .sort()
    .flatMap((directory) => findPlugin(pluginDir, directory) ?? [])
}
