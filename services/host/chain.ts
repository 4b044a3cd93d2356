import { RigError } from '../../rpc/failure.ts'
import {
  type Arrangement,
  arrange,
  type ChainOrder,
  fastNamed,
  movedTo,
  noOrder,
  orderOf,
  type Place,
  runnableNamed,
  without,
} from './chain-order.ts'
import type { ChainRecord } from './chain-record.ts'
import type { Loader } from './loader.ts'
import { isFast, isRunnable, type Plan, type PlannedPlugin, type Runnable } from './plugin-plan.ts'

/** Where a plugin is to go, by the names that the operator uses. */
export type NamedPlace =
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'before' | 'after'; readonly name: string }

/**
 * The operator's hand on the chain. Each change is on the disk first, and resolves when everything that can be done about
 * it now is done. Throws PLUGIN_UNKNOWN, REQUEST_INVALID or CONFIG_INVALID, and changes nothing then.
 */
export interface ChainHand {
  set(names: readonly string[]): Promise<void>
  move(name: string, place: NamedPlace): Promise<void>
  remove(name: string): Promise<void>
  /** Whether there was anything new. Throws what is wrong with the plugin, too; what runs goes on then. */
  reload(name: string): Promise<boolean>
}

export interface ChainHandNeeds {
  readonly plan: Plan
  readonly record: ChainRecord
  readonly loader: Pick<Loader, 'chainChanged' | 'judgeAgain'>
  /** A plugin as it lies on the disk now. */
  readonly reread: (plugin: PlannedPlugin) => PlannedPlugin
}

/** The Fast plugins in the operator's order. Throws CONFIG_INVALID when that cannot be known. */
export const arrangementOf = (plan: Plan, record: ChainRecord): Arrangement => arrange(plan.plugins(), record.order())

/** What was removed before; nothing when nobody knows, for a chain that is set anew. */
function orderBefore(record: ChainRecord): ChainOrder {
  try {
    return record.order()
  } catch (cause) {
    if (cause instanceof RigError) return noOrder
    throw cause
  }
}

/** What was read again has to be the same plugin. */
function checkSame(before: PlannedPlugin, now: PlannedPlugin, others: readonly PlannedPlugin[]): Runnable {
  const { directory } = now
  const refuse = (what: string): RigError => new RigError('MANIFEST_INVALID', `${directory} stays as it is: ${what}`)
  if (!isRunnable(now)) throw refuse(now.problem ?? 'it is not to run')
  const { id } = now.manifest
  if (!isFast(now)) throw refuse('its manifest says class: Safe now; start the rig again for another class')
  if (before.manifest !== null && before.manifest.id !== id) {
    throw refuse(`its id was ${before.manifest.id} and is ${id} now; start the rig again for another plugin`)
  }
  const twin = others.find((other) => other.directory !== directory && other.manifest?.id === id)
  if (twin !== undefined)
    throw refuse(`its id ${id} is that of the plugin in ${twin.directory}; give it one of its own`)
  return now
}

export function createChainHand({ plan, record, loader, reread }: ChainHandNeeds): ChainHand {
  const named = (name: string): Runnable => runnableNamed(plan.plugins(), name)

  async function adopt(chain: readonly Runnable[], before: ChainOrder): Promise<void> {
    record.write(orderOf(plan.plugins(), before, chain))
    await loader.chainChanged()
  }

  function placeOf(place: NamedPlace): Place {
    return place.kind === 'position' ? place : { kind: place.kind, neighbour: named(place.name) }
  }

  return {
    set: async (names) => adopt(names.map(named), orderBefore(record)),
    async move(name, place) {
      const { links } = arrangementOf(plan, record)
      await adopt(movedTo(links, named(name), placeOf(place)), record.order())
    },
    async remove(name) {
      const { links } = arrangementOf(plan, record)
      await adopt(without(links, named(name)), record.order())
    },
    async reload(name) {
      const before = fastNamed(plan.plugins(), name)
      const plugin = checkSame(before, reread(before), plan.plugins())
      const fresh = await loader.judgeAgain(plugin)
      plan.replace(plugin)
      fresh.accept()
      await loader.chainChanged()
      return fresh.changed
    },
  }
}
