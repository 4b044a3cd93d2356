import {
  chainMax,
  controlEntryBytes,
  controlEntry as entryLayout,
  rigControl as layout,
  rigControlBytes,
} from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { openControlSlot } from '../../shm/slots.ts'
import type { SlotOwner } from './loop-interval.ts'
import type { PluginServices } from './plugin-services.ts'

/** How long the dsp-helper's word about whose slot is whose stands, ms. */
const freshMs = 1000

/** Whose counters are in which slot of the loop's status. */
export interface ChainOwners {
  /** In the order of the chain. Asks the dsp-helper for names, at most once a second. Never throws. */
  list(): Promise<readonly SlotOwner[]>
}

export interface ChainOwnersNeeds {
  readonly home: Home
  readonly services: Pick<PluginServices, 'listFast'>
  readonly isServing: (service: string) => boolean
  readonly nameOf: (id: string) => string
  readonly nowMs: () => number
}

type Entry = Pick<SlotOwner, 'slot' | 'life'>

function decode(bytes: Buffer): readonly Entry[] {
  const count = Math.min(bytes.readUInt32LE(layout.chain_count.offset), chainMax)
  return Array.from({ length: count }, (_, index) => {
    const at = layout.chain.offset + index * controlEntryBytes
    return {
      slot: Math.min(bytes.readUInt32LE(at + entryLayout.slot.offset), chainMax - 1),
      life: bytes.readUInt32LE(at + entryLayout.life.offset),
    }
  })
}

/** Reads what the loop was told in shared memory: it is there while the dsp-helper is not. */
export function createChainOwners({ home, services, isServing, nameOf, nowMs }: ChainOwnersNeeds): ChainOwners {
  const bytes = Buffer.alloc(rigControlBytes)
  let ids: ReadonlyMap<number, string> = new Map()
  let askedMs = Number.NEGATIVE_INFINITY

  function readEntries(): readonly Entry[] {
    // Opened each time: a data plane that was taken down and is back has another one.
    try {
      const control = openControlSlot(home)
      const number = control.read(bytes)
      control.close()
      return number === 0n ? [] : decode(bytes)
    } catch (cause) {
      if (cause instanceof RigError) return [] // of another version
      throw cause
    }
  }

  async function refresh(): Promise<void> {
    if (!isServing('dsp-helper') || nowMs() - askedMs < freshMs) return
    askedMs = nowMs()
    const plugins = await services.listFast().catch(() => undefined)
    if (plugins !== undefined) ids = new Map(plugins.map(({ life, id }) => [life, id]))
  }

  return {
    async list() {
      await refresh()
      return readEntries().map((entry) => {
        const id = ids.get(entry.life) ?? ''
        return { ...entry, id, name: id === '' ? '' : nameOf(id) }
      })
    },
  }
}
