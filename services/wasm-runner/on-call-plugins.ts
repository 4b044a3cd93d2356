import type { Logger } from 'pino'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import type { OnCallAbi } from './abi.ts'
import { type LanesOptions, openCallLanes } from './call-lanes.ts'
import { wordsOfId } from './call-record.ts'
import type { PluginCode } from './compile.ts'
import type { ActionRequest } from './midimon-action.ts'
import type { NetworkDesk } from './network-desk.ts'
import { type Called, createOnCallPlugin, type OnCallPlugin } from './on-call-plugin.ts'
import type { OnCallSpec } from './on-call-spec.ts'
import { checkOnCallTerms, type PluginTerms } from './plugin-terms.ts'
import type { Violation } from './violation.ts'
import type { ZenithRequest } from './zenith.ts'

/** What a plugin of each ABI is asked for, and how. */
const askedFor: Readonly<Record<OnCallAbi, string>> = {
  'midimon-action-1': 'has actions; ask for one with `wheelctl plugin execute`',
  'zenith-1': 'has operations over an input; ask for one with `wheelctl plugin process`',
}

/** The plugins of a rig that run when somebody asks. Whoever calls does one thing at a time for each id. */
export interface OnCallPlugins {
  /** Takes the place of the one with this id once it has said what it is. Rejects with PLUGIN_FAILED; then nothing has changed. */
  load(spec: OnCallSpec, code: PluginCode, abi: OnCallAbi): Promise<void>
  /** What is under way is interrupted, and what waits is refused. Repeats safely. */
  unload(id: string): Promise<void>
  /** In the manner of a replacement: what was asked for before is done. Repeats safely. */
  retire(id: string): Promise<void>
  /** Changes what a plugin may use, also for a call that runs. Throws PLUGIN_UNKNOWN or REQUEST_INVALID; then nothing has changed. */
  adjust(id: string, terms: PluginTerms): void
  /** A plugin that is loaded did this. */
  charge(id: string, violation: Violation): void
  /** `brief`: without statistics. */
  views(brief: boolean): readonly SafePlugin[]
  /** Reject with PLUGIN_UNKNOWN, with REQUEST_INVALID for a plugin that has no such thing, and as Lane.call does. */
  runAction(id: string, request: ActionRequest, signal: AbortSignal): Promise<Called>
  runInput(id: string, request: ZenithRequest, signal: AbortSignal): Promise<Called>
  /** Ends every plugin, then the threads. May be called twice. */
  close(): Promise<void>
}

export interface OnCallOptions extends LanesOptions {
  /** Instructions of one call. */
  readonly fuel: number
  readonly desk: Pick<NetworkDesk, 'open' | 'room'>
  readonly log: Logger
  /** Where plugins' own lines go. */
  readonly guestLog: Logger
}

export function createOnCallPlugins({ fuel, desk, log, guestLog, ...threads }: OnCallOptions): OnCallPlugins {
  const plugins = new Map<string, OnCallPlugin>()
  const lanes = openCallLanes(threads)
  let lastTicket = 0
  let closing: Promise<void> | undefined

  const find = (id: string, abi: OnCallAbi): OnCallPlugin => {
    const plugin = plugins.get(id)
    if (plugin === undefined) {
      throw new RigError('PLUGIN_UNKNOWN', `no plugin ${JSON.stringify(id.slice(0, 64))} is loaded that can be asked`)
    }
    if (plugin.abi === abi) return plugin
    throw new RigError('REQUEST_INVALID', `${id} is a plugin of ${plugin.abi}, which ${askedFor[plugin.abi]}`)
  }

  const take = (id: string): OnCallPlugin | undefined => {
    const plugin = plugins.get(id)
    plugins.delete(id)
    return plugin
  }

  const retire = async (id: string): Promise<void> => take(id)?.end()

  const closeAll = async (): Promise<void> => {
    await Promise.all([...plugins.keys()].map(retire))
    await lanes.close()
  }

  return {
    async load(spec, code, abi) {
      const network = { hosts: spec.network, room: desk.room, isRequested: spec.isNetworkRequested }
      const idWords = wordsOfId(spec.id)
      const target = {
        ticket: ++lastTicket,
        idWords,
        code,
        fuel,
        stateful: spec.stateful,
        network,
        preopens: spec.fileSystem,
        fileSystem: spec.fileSystem,
      }
      const plugin = createOnCallPlugin({
        ...{ spec, abi, target, life: process.hrtime.bigint() },
        lanes,
        network: desk.open(spec.id),
        log,
        guestLog,
        wallMs: Date.now,
      })
      try {
        await plugin.begin()
      } catch (cause) {
        await plugin.end()
        throw cause
      }
      const previous = plugins.get(spec.id)
      plugins.set(spec.id, plugin)
      await previous?.end()
    },
    unload: async (id) => take(id)?.drop(),
    retire,
    adjust(id, terms) {
      const plugin = plugins.get(id)
      if (plugin === undefined)
        throw new RigError('PLUGIN_UNKNOWN', `no plugin ${JSON.stringify(id.slice(0, 64))} is loaded; load it first`)
      checkOnCallTerms(terms, plugin.spec)
      plugin.adjust({ hosts: terms.network, fileSystem: terms.fileSystem })
    },
    charge: (id, violation) => plugins.get(id)?.charge(violation),
    views: (brief) => [...plugins.values()].map((plugin) => plugin.view(brief)),
    runAction: async (id, request, signal) => find(id, 'midimon-action-1').call({ kind: 'action', request }, signal),
    runInput: async (id, request, signal) => find(id, 'zenith-1').call({ kind: 'process', request }, signal),
    close: () => (closing ??= closeAll()),
  }
}
