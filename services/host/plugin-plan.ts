import { join } from 'node:path'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginManifest } from './manifest.ts'
import type { Goal } from './plugin-state.ts'
import { type InstalledPlugin, refuseDuplicates } from './registry.ts'

/** A plugin of this rig and where it is to get to. */
export interface PlannedPlugin extends InstalledPlugin {
  readonly goal: Goal
  /** What keeps it from running for what it did; null: nothing. */
  readonly quarantine: Quarantine | null
  /** Its service is to have it. */
  readonly wanted: boolean
}

/** A plugin that is to be in its service and has a manifest to run by. */
export type Runnable = PlannedPlugin & { readonly manifest: Frozen<PluginManifest> }

/** What config.yaml says about which plugins run. */
export interface Wish {
  readonly enabled: readonly string[] | null
  readonly autoLoad: boolean
}

/** A plugin is kept from running until then, ms since 1970; `reason`: a clause. */
export interface Quarantine {
  readonly untilMs: number
  readonly reason: string
}

/** What was decided of single plugins while the rig ran. It outweighs config.yaml. */
export interface Decrees {
  /** By the operator; null where nothing was. `id`: of the manifest. */
  goalOf(id: string): Goal | null
  /** For what it did; null where it is free. */
  quarantineOf(id: string): Quarantine | null
}

export const noDecrees: Decrees = { goalOf: () => null, quarantineOf: () => null }

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

/** Whether it could run, if it were wanted. */
export const hasManifest = (plugin: PlannedPlugin): plugin is Runnable =>
  plugin.problem === null && plugin.manifest !== null

export const isFast = ({ manifest }: PlannedPlugin): boolean => manifest?.pluginClass === 'Fast'

/** Where a plugin gets to that the operator said nothing about. */
export const goalByConfig = ({ enabled, autoLoad }: Wish, directory: string): Goal =>
  (enabled === null ? autoLoad : enabled.includes(directory)) ? 'running' : 'available'

function planned(plugin: InstalledPlugin, wish: Wish, { goalOf, quarantineOf }: Decrees): PlannedPlugin {
  const id = plugin.problem === null ? plugin.manifest?.id : undefined
  const goal = (id === undefined ? null : goalOf(id)) ?? goalByConfig(wish, plugin.directory)
  const quarantine = id === undefined ? null : quarantineOf(id)
  return { ...plugin, goal, quarantine, wanted: quarantine === null && (goal === 'running' || goal === 'loaded') }
}

/**
 * Every plugin of the rig, those first that `enabled` names, in its order, then the others in the order of their
 * directories' names. Safe plugins run in this order, and Fast ones that the operator did not arrange.
 */
export function planPlugins(
  installed: readonly InstalledPlugin[],
  wish: Wish,
  pluginDir: string,
  decrees: Decrees = noDecrees,
): readonly PlannedPlugin[] {
  const enabled = wish.enabled ?? []
  const named = enabled.map((name) => installed.find((plugin) => plugin.directory === name) ?? missing(pluginDir, name))
  const others = installed.filter((plugin) => !enabled.includes(plugin.directory))
  return [...named, ...others].map((plugin) => planned(plugin, wish, decrees))
}

/** The plugins of the rig as they stand now. */
export interface Plan {
  /** The same objects until something changes. */
  plugins(): readonly PlannedPlugin[]
  named(directory: string): PlannedPlugin | undefined
  /** What a directory would be with this in it. */
  preview(directory: string, plugin: InstalledPlugin): PlannedPlugin
  /** This is what lies in a directory now; undefined: no plugin. */
  put(directory: string, plugin: InstalledPlugin | undefined): void
  /** The decrees are other ones. */
  refresh(): void
}

const byDirectory = (a: InstalledPlugin, b: InstalledPlugin): number => (a.directory < b.directory ? -1 : 1)

/** `found`: in the order in which they lay there. Of two with one id the one that was there first is the plugin. */
export function createPlan(
  found: readonly InstalledPlugin[],
  wish: Wish,
  pluginDir: string,
  decrees: Decrees = noDecrees,
): Plan {
  let installed: ReadonlyMap<string, InstalledPlugin> = new Map(found.map((plugin) => [plugin.directory, plugin]))

  const arrange = (there: typeof installed): readonly PlannedPlugin[] =>
    planPlugins(refuseDuplicates([...there.values()]).toSorted(byDirectory), wish, pluginDir, decrees)

  function withIn(directory: string, plugin: InstalledPlugin | undefined): typeof installed {
    const there = new Map(installed)
    // One that became another plugin was not there before.
    if (there.get(directory)?.manifest?.id !== plugin?.manifest?.id) there.delete(directory)
    if (plugin !== undefined) there.set(directory, plugin)
    return there
  }

  let current = arrange(installed)
  return {
    plugins: () => current,
    named: (directory) => current.find((plugin) => plugin.directory === directory),
    preview(directory, plugin) {
      const planned = arrange(withIn(directory, plugin)).find((each) => each.directory === directory)
      if (planned === undefined) throw new Error(`${directory} is not in its own plan`)
      return planned
    },
    put(directory, plugin) {
      installed = withIn(directory, plugin)
      current = arrange(installed)
    },
    refresh() {
      current = arrange(installed)
    },
  }
}
