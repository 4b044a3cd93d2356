import type { Logger } from 'pino'
import {
  type Chain,
  type ChainLink,
  type ChainServiceServer,
  ChainServiceService,
  type MoveInChainRequest,
} from '../../gen/proto/openracing/v1/chain.ts'
import type { Plugin } from '../../gen/proto/openracing/v1/plugin.ts'
import { invalidField } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import type { ChainHand, NamedPlace } from './chain.ts'
import type { Arrangement } from './chain-order.ts'
import type { PluginList } from './plugin-list.ts'
import type { Runnable } from './plugin-plan.ts'

export interface ChainServiceNeeds {
  readonly hand: ChainHand
  readonly arrangement: () => Arrangement
  readonly plugins: PluginList
}

function placeOf({ place }: MoveInChainRequest): NamedPlace {
  if (place === undefined) {
    throw invalidField('place', 'is missing; send one of position, before and after')
  }
  if (place.$case === 'position') return { kind: 'position', position: place.value }
  return { kind: place.$case, name: place.value }
}

function linkOf(plugin: Runnable, position: number, shown: readonly Plugin[]): ChainLink {
  const { id, name } = plugin.manifest
  const found = shown.find(({ directory }) => directory === plugin.directory)
  return { position, id, name, directory: plugin.directory, state: found?.state ?? 0, detail: found?.detail ?? '' }
}

async function readChain({ arrangement, plugins }: ChainServiceNeeds): Promise<Chain> {
  const { links, beyond, removed } = arrangement()
  const shown = await plugins.list()
  return {
    links: links.map((plugin, index) => linkOf(plugin, index + 1, shown)),
    removed: [...beyond, ...removed].map((plugin) => linkOf(plugin, 0, shown)),
  }
}

/** ChainService over the operator's order. */
export function chainService(needs: ChainServiceNeeds, log: Logger): ServiceBinding {
  const { hand } = needs
  /** The chain after a change, which is told in the log as well. */
  const after = async (change: object, done: Promise<void>): Promise<{ readonly chain: Chain }> => {
    await done
    const chain = await readChain(needs)
    log.info({ ...change, chain: chain.links.map(({ directory }) => directory) }, 'chain')
    return { chain }
  }
  const implementation: ChainServiceServer = {
    listChain: unary(async () => ({ chain: await readChain(needs) }), log),
    setChainOrder: unary(({ plugins }) => after({ set: plugins }, hand.set(plugins)), log),
    moveInChain: unary((request) => after({ moved: request.plugin }, hand.move(request.plugin, placeOf(request))), log),
    removeFromChain: unary(({ plugin }) => after({ removed: plugin }, hand.remove(plugin)), log),
    reloadInChain: unary(async ({ plugin }) => {
      const changed = await hand.reload(plugin)
      log.info({ reloaded: plugin, changed }, 'chain')
      return { changed, chain: await readChain(needs) }
    }, log),
  }
  return bind(ChainServiceService, implementation)
}
