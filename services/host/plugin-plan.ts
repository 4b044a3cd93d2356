import { join } from 'node:path'
import { chainMax } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import type { InstalledPlugin } from './registry.ts'

/** A plugin of this rig and whether it is to run. */
export interface PlannedPlugin extends InstalledPlugin {
  readonly wanted: boolean
}

/** What config.yaml says about which plugins run. */
export interface Wish {
  readonly enabled: readonly string[] | null
  readonly autoLoad: boolean
}

const missing = (pluginDir: string, directory: string): InstalledPlugin => ({
  directory,
  path: join(pluginDir, directory),
  manifest: null,
  problem: new RigError(
    'FILE_MISSING',
    `plugins.enabled names ${directory}, but ${join(pluginDir, directory, 'plugin.yaml')} does not exist; install the plugin or remove the name`,
  ).message,
})

function inOrder(installed: readonly InstalledPlugin[], wish: Wish, pluginDir: string): readonly PlannedPlugin[] {
  const { enabled } = wish
  if (enabled === null) return installed.map((plugin) => ({ ...plugin, wanted: wish.autoLoad }))
  const named = enabled.map((name) => installed.find((plugin) => plugin.directory === name) ?? missing(pluginDir, name))
  const others = installed.filter((plugin) => !enabled.includes(plugin.directory))
  return [
    ...named.map((plugin) => ({ ...plugin, wanted: true })),
    ...others.map((plugin) => ({ ...plugin, wanted: false })),
  ]
}

const chainIsFull = new RigError(
  'CONFIG_INVALID',
  `the loop has room for ${chainMax} Fast plugins, all taken; list fewer in plugins.enabled`,
)

/** The loop has room for so many Fast plugins; those beyond it are refused one by one, not the whole chain. */
function fitChain(plugins: readonly PlannedPlugin[]): readonly PlannedPlugin[] {
  let fast = 0
  return plugins.map((plugin) => {
    if (!runs(plugin) || plugin.manifest?.pluginClass !== 'Fast') return plugin
    fast += 1
    if (fast <= chainMax) return plugin
    return { ...plugin, problem: chainIsFull.message }
  })
}

/** Whether a plugin is to run and may. */
export const runs = (plugin: PlannedPlugin): boolean => plugin.wanted && plugin.problem === null

/**
 * Every plugin of the rig, those that are to run first and in the order in which they run: that of `enabled`, or of the
 * directories' names.
 */
export const planPlugins = (
  installed: readonly InstalledPlugin[],
  wish: Wish,
  pluginDir: string,
): readonly PlannedPlugin[] => fitChain(inOrder(installed, wish, pluginDir))
