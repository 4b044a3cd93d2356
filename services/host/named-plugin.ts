import { RigError } from '../../rpc/failure.ts'

/** What names a plugin. */
export interface NamedPlugin {
  readonly id: string
  readonly name: string
  readonly directory: string
}

/** The plugin that somebody means, by its id, else its directory, else its name. Throws PLUGIN_UNKNOWN. */
export function meantPlugin<Plugin extends NamedPlugin>(plugins: readonly Plugin[], word: string): Plugin {
  const id = word.toLowerCase()
  const found =
    plugins.find((plugin) => plugin.id === id && id !== '') ??
    plugins.find(({ directory }) => directory === word) ??
    plugins.find(({ name }) => name === word && word !== '')
  if (found !== undefined) return found
  throw new RigError(
    'PLUGIN_UNKNOWN',
    `no installed plugin has the id, directory or name ${JSON.stringify(word.slice(0, 64))}; list the plugins to see which there are`,
  )
}
