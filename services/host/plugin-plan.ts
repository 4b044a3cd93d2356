import { join } from 'node:path'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginManifest } from './manifest.ts'
import type { InstalledPlugin } from './registry.ts'

/** A plugin of this rig and whether it is to run. */
export interface PlannedPlugin extends InstalledPlugin {
  readonly wanted: boolean
}

/** A plugin that is to run and has a manifest to run by. */
export type Runnable = PlannedPlugin & { readonly manifest: Frozen<PluginManifest> }

/** What config.yaml says about which plugins run. */
export interface Wish {
  readonly enabled: readonly string[] | null
  readonly autoLoad: boolean
}

const missing = (pluginDir: string, directory: string): InstalledPlugin => ({
  directory,
  path: join(pluginDir, directory),
  manifest: null,
  manifestFile: null,
  problem: new RigError(
    'FILE_MISSING',
    `plugins.enabled names ${directory}, but ${join(pluginDir, directory, 'plugin.yaml')} does not exist; install the plugin or remove the name`,
  ).message,
})

/** Whether a plugin is to run and may. */
export const runs = (plugin: PlannedPlugin): boolean => plugin.wanted && plugin.problem === null

export const isRunnable = (plugin: PlannedPlugin): plugin is Runnable => runs(plugin) && plugin.manifest !== null

export const isFast = ({ manifest }: PlannedPlugin): boolean => manifest?.pluginClass === 'Fast'

/**
 * Every plugin of the rig, those that are to run first and in the order in which they run: that of `enabled`, or of the
 * directories' names.
 */
export function planPlugins(
  installed: readonly InstalledPlugin[],
  wish: Wish,
  pluginDir: string,
): readonly PlannedPlugin[] {
  const { enabled } = wish
  if (enabled === null) return installed.map((plugin) => ({ ...plugin, wanted: wish.autoLoad }))
  const named = enabled.map((name) => installed.find((plugin) => plugin.directory === name) ?? missing(pluginDir, name))
  const others = installed.filter((plugin) => !enabled.includes(plugin.directory))
  return [
    ...named.map((plugin) => ({ ...plugin, wanted: true })),
    ...others.map((plugin) => ({ ...plugin, wanted: false })),
  ]
}

/** The plan as it stands: a plugin that was read again takes its own place in it. */
export interface Plan {
  plugins(): readonly PlannedPlugin[]
  replace(plugin: PlannedPlugin): void
}

export function createPlan(plugins: readonly PlannedPlugin[]): Plan {
  let current = plugins
  return {
    plugins: () => current,
    replace(plugin) {
      current = current.map((each) => (each.directory === plugin.directory ? plugin : each))
    },
  }
}
