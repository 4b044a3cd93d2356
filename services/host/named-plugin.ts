import { RigError } from '../../rpc/failure.ts'

/** What names a plugin. */
export interface Nameable {
  readonly directory: string
  /** Null when it could not be read. */
  readonly manifest: { readonly id: string; readonly name: string } | null
  /** Why it can never run; null when nothing is known against it. */
  readonly problem: string | null
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 64))

/**
 * The plugin that somebody means: the one with this id, in whatever case, else the one in this directory, else the only
 * one of this name. Of several with one id the one that can run is meant. Throws PLUGIN_UNKNOWN or REQUEST_INVALID.
 */
export function pluginNamed<Plugin extends Nameable>(plugins: readonly Plugin[], name: string): Plugin {
  const id = name.toLowerCase()
  const byId = name === '' ? [] : plugins.filter(({ manifest }) => manifest?.id.toLowerCase() === id)
  const inDirectory = plugins.find(({ directory }) => directory === name)
  const found = byId.find(({ problem }) => problem === null) ?? inDirectory ?? byId[0]
  if (found !== undefined) return found
  const [only, ...others] = name === '' ? [] : plugins.filter(({ manifest }) => manifest?.name === name)
  if (only === undefined) {
    const remedy = '`wheelctl plugin list` shows which there are'
    throw new RigError('PLUGIN_UNKNOWN', `no installed plugin has the id, directory or name ${quoted(name)}; ${remedy}`)
  }
  if (others.length === 0) return only
  const directories = [only, ...others].map(({ directory }) => directory).join(', ')
  throw new RigError('REQUEST_INVALID', `several plugins have the name ${quoted(name)}; name one of ${directories}`)
}

/** As pluginNamed, its manifest, which says its id. Throws PLUGIN_UNKNOWN, too, where that cannot be read. */
export function manifestNamed(plugins: readonly Nameable[], name: string): NonNullable<Nameable['manifest']> {
  const { manifest, directory } = pluginNamed(plugins, name)
  if (manifest !== null) return manifest
  throw new RigError(
    'PLUGIN_UNKNOWN',
    `the plugin in ${directory} has no manifest that can be read, and so no id; name it`,
  )
}
