import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type Frozen, freezeDeep } from '../input/freeze.ts'
import { parseFailure, RigError, systemFailure } from '../rpc/failure.ts'
import { openConfigCheck } from '../services/host/config-check.ts'
import { checkChecksum } from '../services/host/judge.ts'
import type { Copy } from '../services/host/load-request.ts'
import type { PluginManifest } from '../services/host/manifest.ts'
import { resolveArtefact } from '../services/host/manifest-artefact.ts'
import { pluginNamed } from '../services/host/named-plugin.ts'
import { barePlugin, pluginName } from '../services/host/on-call.ts'
import { readPluginConfig } from '../services/host/plugin-config.ts'
import { manifestNames, readPlugin as readInstalled, scanPlugins } from '../services/host/registry.ts'
import { checkModuleBytes } from '../services/wasm-runner/compile.ts'

/** A plugin that is to be tried. */
export interface Subject {
  /** What it says of itself, in whatever dialect. */
  readonly manifest: Frozen<PluginManifest>
  /** Its module: what a rig has in its store once trust has looked at it. */
  readonly verified: Copy
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Its config.json, checked and completed by its schema. */
  readonly configJson: string
}

/** Where a plugin is, and what describes it. */
export interface Place {
  readonly directory: string
  readonly manifest: Frozen<PluginManifest>
}

function placeOfDirectory(directory: string): Place {
  const { manifest, problem } = readInstalled(dirname(directory), basename(directory))
  if (manifest !== null && problem === null) return { directory, manifest }
  throw parseFailure(problem ?? '') ?? new RigError('MANIFEST_INVALID', problem ?? `${directory} holds no plugin`)
}

/** A module by itself is one that nothing describes: its file's name stands for that of a directory. */
function placeOfModule(file: string): Place {
  const named = pluginName.safeParse(basename(file, '.wasm'))
  if (named.success) {
    return { directory: dirname(file), manifest: freezeDeep(barePlugin(named.data, basename(file))) }
  }
  const what = `${file} has no manifest, so its name is the plugin's; ${named.error.issues[0]?.message}`
  throw new RigError('MANIFEST_INVALID', what)
}

/** A link that leads nowhere is something: what is wrong with it is told by who reads it. */
const isAnything = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined
const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** The directory of the installed plugin that somebody means. Throws FILE_MISSING where none is meant. */
function installedDirectory(name: string, pluginDir: string): string {
  try {
    return pluginNamed(isDirectory(pluginDir) ? scanPlugins(pluginDir) : [], name).path
  } catch (cause) {
    if (!(cause instanceof RigError) || cause.code !== 'PLUGIN_UNKNOWN') throw cause
    const what = `there is no ${resolve(name)}, and no plugin in ${pluginDir} has this id, directory or name`
    throw new RigError('FILE_MISSING', `${what}; name a directory, or the manifest or the module in it`, { cause })
  }
}

/**
 * The plugin that a path names, by its directory, its manifest, or a module by itself; where nothing has this path, the
 * one that is installed under this id, directory or name. Throws what is wrong with it.
 */
export function placeOf(named: string, pluginDir: string): Place {
  const path = resolve(named)
  if (!isAnything(path)) return placeOfDirectory(installedDirectory(named, pluginDir))
  if (path.endsWith('.wasm') && !isDirectory(path)) return placeOfModule(path)
  return placeOfDirectory(manifestNames.includes(basename(path)) ? dirname(path) : path)
}

function readModule(path: string): Uint8Array<ArrayBuffer> {
  try {
    const stat = statSync(path)
    // Nobody may ever write into a pipe.
    if (!stat.isFile()) throw new RigError('FILE_MISSING', `${path} is not a file; name the module`)
    checkModuleBytes(stat.size)
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const code = systemFailure(cause, 'FILE_MISSING')
    throw new RigError(code, `${path} cannot be read (${(cause as Error).message}); build the plugin`, { cause })
  }
}

/** Its config.json, checked and completed by its schema, as JSON. */
export async function readConfig({ directory, manifest }: Place): Promise<string> {
  const check = openConfigCheck()
  try {
    return JSON.stringify(await readPluginConfig(directory, manifest.configSchema, check))
  } finally {
    await check.close()
  }
}

/** Reads a plugin, named as for placeOf, as a rig would. Throws what is wrong with it. */
export async function readSubject(named: string, pluginDir: string): Promise<Subject> {
  const place = placeOf(named, pluginDir)
  const { directory, manifest } = place
  if (manifest.pluginClass !== 'Safe') {
    const what = `${manifest.name} is a Fast plugin, and this command runs Safe ones`
    throw new RigError('REQUEST_INVALID', `${what}; put it into the plugin directory of a rig`)
  }
  const configJson = await readConfig(place)
  const artefact = resolveArtefact(directory, manifest.artefact)
  const bytes = readModule(artefact)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  checkChecksum(join(directory, manifest.artefact), manifest.checksum, sha256)
  return { manifest, verified: { path: artefact, sha256 }, bytes, configJson }
}
