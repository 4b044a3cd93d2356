import { chainMax } from '../../gen/layout.ts'
import { invalidField, RigError } from '../../rpc/failure.ts'
import { pluginNamed } from './named-plugin.ts'
import { hasManifest, isFast, isRunnable, type PlannedPlugin, type Runnable } from './plugin-plan.ts'

/** What the operator said about the chain. Plugins are named by their ids: a directory may be renamed. */
export interface ChainOrder {
  readonly order: readonly string[]
  readonly removed: readonly string[]
}

export const noOrder: ChainOrder = { order: [], removed: [] }

/** What became of the Fast plugins that are to run. */
export interface Arrangement {
  /** As torque goes through them. */
  readonly links: readonly Runnable[]
  /** Those that the loop has no room for. */
  readonly beyond: readonly Runnable[]
  /** Those that the operator took out. */
  readonly removed: readonly Runnable[]
}

/** Where a plugin is to go: a position from 1, or beside another. */
export type Place =
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'before' | 'after'; readonly neighbour: Runnable }

const idOf = ({ manifest }: Runnable): string => manifest.id

/** Puts the Fast plugins of a plan into the operator's order; those that the operator has not heard of come last. */
export function arrange(plan: readonly PlannedPlugin[], { order, removed }: ChainOrder): Arrangement {
  const fast = plan.filter(isRunnable).filter(isFast)
  const left = fast.filter((plugin) => !removed.includes(idOf(plugin)))
  const named = order.flatMap((id) => left.find((plugin) => idOf(plugin) === id) ?? [])
  const chain = [...named, ...left.filter((plugin) => !named.includes(plugin))]
  return {
    links: chain.slice(0, chainMax),
    beyond: chain.slice(chainMax),
    removed: fast.filter((plugin) => removed.includes(idOf(plugin))),
  }
}

/** As pluginNamed, of the Fast plugins that config.yaml enables, broken ones too. */
export function fastNamed(plan: readonly PlannedPlugin[], name: string): PlannedPlugin {
  const plugin = pluginNamed(plan, name)
  if (plugin.manifest !== null && !isFast(plugin)) {
    throw new RigError('REQUEST_INVALID', `${plugin.directory} is a Safe plugin; only Fast plugins are in the chain`)
  }
  if (plugin.wanted) return plugin
  if (plugin.quarantine !== null) {
    const release = `\`wheelctl plugin release ${plugin.directory}\` ends that`
    throw new RigError(
      'PLUGIN_QUARANTINED',
      `${plugin.directory} is in quarantine: ${plugin.quarantine.reason}; ${release}`,
    )
  }
  const remedy = `\`wheelctl plugin enable ${plugin.directory}\` has it run`
  throw new RigError('REQUEST_INVALID', `${plugin.directory} is not enabled; ${remedy}`)
}

/** As fastNamed, of those that can run. */
export function runnableNamed(plan: readonly PlannedPlugin[], name: string): Runnable {
  const plugin = fastNamed(plan, name)
  if (isRunnable(plugin)) return plugin
  const remedy = `correct it and \`wheelctl chain reload ${plugin.directory}\``
  throw new RigError('REQUEST_INVALID', `${plugin.directory} cannot run (${plugin.problem}); ${remedy}`)
}

/** A chain of exactly these plugins, in this order. Throws REQUEST_INVALID. */
export function orderOf(plan: readonly PlannedPlugin[], before: ChainOrder, chain: readonly Runnable[]): ChainOrder {
  const twice = chain.find((plugin, index) => chain.indexOf(plugin) !== index)
  if (twice !== undefined) {
    throw new RigError('REQUEST_INVALID', `${twice.directory} is named twice; a plugin has one place in the chain`)
  }
  if (chain.length > chainMax) {
    const remedy = `name at most ${chainMax}, which is what the loop has room for`
    throw new RigError('REQUEST_INVALID', `${chain.length} plugins are named; ${remedy}`)
  }
  const order = chain.map(idOf)
  // One in quarantine comes back, and is not to come back into a chain that was set without it.
  const mayCome = plan.filter(({ wanted, quarantine }) => wanted || quarantine !== null)
  const installed = mayCome.filter(hasManifest).filter(isFast).map(idOf)
  const out = new Set([...before.removed, ...installed].filter((id) => !order.includes(id)))
  return { order, removed: [...out] }
}

function needLink(links: readonly Runnable[], plugin: Runnable): void {
  if (links.includes(plugin)) return
  const remedy = '`wheelctl chain set` puts it there'
  throw new RigError('REQUEST_INVALID', `${plugin.directory} is not in the chain; ${remedy}`)
}

function indexFor(rest: readonly Runnable[], plugin: Runnable, place: Place): number {
  if (place.kind !== 'position') {
    if (place.neighbour === plugin) {
      throw new RigError('REQUEST_INVALID', `${plugin.directory} cannot go ${place.kind} itself; name another plugin`)
    }
    needLink(rest, place.neighbour)
    return rest.indexOf(place.neighbour) + (place.kind === 'after' ? 1 : 0)
  }
  if (place.position >= 1 && place.position <= rest.length + 1) return place.position - 1
  const bounds = `write a position from 1 to ${rest.length + 1}, the length of the chain`
  throw invalidField('position', `is ${place.position}; ${bounds}`)
}

/** The chain with one plugin at another place. Throws REQUEST_INVALID. */
export function movedTo(links: readonly Runnable[], plugin: Runnable, place: Place): readonly Runnable[] {
  needLink(links, plugin)
  const rest = links.filter((link) => link !== plugin)
  return rest.toSpliced(indexFor(rest, plugin, place), 0, plugin)
}

/** The chain without one plugin. Throws REQUEST_INVALID. */
export function without(links: readonly Runnable[], plugin: Runnable): readonly Runnable[] {
  needLink(links, plugin)
  return links.filter((link) => link !== plugin)
}
