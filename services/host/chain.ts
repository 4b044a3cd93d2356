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
import type { PluginHand } from './plugin-hand.ts'
import type { Plan, Runnable } from './plugin-plan.ts'

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
  readonly loader: Pick<Loader, 'chainChanged'>
  readonly plugins: Pick<PluginHand, 'reload'>
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

export function createChainHand({ plan, record, loader, plugins }: ChainHandNeeds): ChainHand {
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
      const { directory } = fastNamed(plan.plugins(), name)
      return (await plugins.reload(directory)).changed
    },
  }
}
