import { join } from 'node:path'
import type {
  LoadOnCallPluginRequest,
  LoadSafePluginRequest,
  PathGrant,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import { takeTurns } from '../../supervision/take-turns.ts'
import type { Config, Program } from './config.ts'
import { type Errand, startErrand } from './errand.ts'
import { type IsServing, type Judge, type Judged, needServing, serviceMissing } from './judge.ts'
import {
  adjustRequest,
  asText,
  noProgram,
  onCallRequest,
  safeRequest,
  type Terms,
  type WhatRuns,
} from './load-request.ts'
import type { NetworkGrants } from './network-grants.ts'
import type { NewestVersions } from './newest-versions.ts'
import { describeUngranted, type PluginGrants } from './plugin-grants.ts'
import type { PluginLives } from './plugin-lives.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import { needCovered, type RunnerFence } from './runner-fence.ts'
import type { Vouchers } from './vouchers.ts'

/** Brings Safe plugins to the wasm-runner, those that tick and those that are called, and ends them there. */
export interface SafeLoader {
  /** What lies in this directory, or what is wanted of it, is something else. */
  changed(directory: string): void
  /** On what terms this plugin runs is something else: its rate, what it is granted. It keeps its instance. */
  termsChanged(directory: string): void
  /** What could not be done for want of a service can be tried again. */
  retry(): void
  /** The wasm-runner is another one, and has none of them. */
  begin(): void
  /** Ends one that runs, or is on its way; resolves when it is gone. `why`: what is told of it from then on. */
  stop(plugin: Runnable, why: RigError): Promise<void>
  /** What the wasm-runner has of what lies in this directory, as text; undefined where that is nothing. */
  runningIn(directory: string): string | undefined
  /** With what it was judged. */
  whatRunsIn(directory: string): WhatRuns | undefined
  /** Resolves when everything that can be done now of what lies in this directory is done. */
  idleIn(directory: string): Promise<void>
  /** The same, of all of them. */
  idle(): Promise<void>
  /** Loads no more; what is under way goes on to its end. */
  close(): void
}

export interface SafeLoaderNeeds {
  readonly plan: Plan
  readonly judge: Judge
  readonly barOf: Vouchers['barOf']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly lives: Pick<PluginLives, 'tell' | 'attempt'>
  readonly services: Pick<PluginServices, 'loadSafe' | 'loadOnCall' | 'adjustSafe' | 'unloadSafe'>
  readonly isServing: IsServing
  readonly grants: Pick<PluginGrants, 'of' | 'withoutFiles' | 'decide'>
  /** Calls a second that a plugin is to have now; 0: it is not to be called. */
  readonly rateHzOf: (plugin: Runnable) => number
  readonly fence: Pick<RunnerFence, 'covers'>
  /** Has what a plugin did counted, before the counters go with it. */
  readonly countNow: () => Promise<void>
  readonly programs: Frozen<Config['plugins']['program']>
  readonly network: Pick<NetworkGrants, 'grant' | 'revoke' | 'clear'>
  readonly retryMs: number
}

/** A plugin that the wasm-runner has. */
interface Placed extends WhatRuns {
  readonly id: string
  /** What trust said of it, for the operator. */
  readonly warning: string
  /** Everything that it was loaded with and that does not change while it runs, as text. */
  readonly code: string
  readonly terms: Terms
  /** Directories that it was loaded with: it can have no others. */
  readonly directories: readonly PathGrant[]
}

/** The service knows only the verified copy; the operator wants to know which file it is a copy of. */
const namePlace =
  (artefact: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof RigError) || cause.code === 'SERVICE_UNAVAILABLE') throw cause
    throw new RigError(cause.code, `${artefact}: ${cause.detail}`, { cause })
  }

type LoadRequest = LoadSafePluginRequest | LoadOnCallPluginRequest

/** A request without its terms. */
const codeOf = (request: LoadRequest): string =>
  asText({
    ...request,
    capabilities: [],
    fileSystem: [],
    network: [],
    initialRateHz: 0,
    ungrantedCapabilities: [],
    order: 0,
  })

const isAmong = (all: readonly PathGrant[], one: PathGrant): boolean => all.some((each) => asText(each) === asText(one))

export function createSafeLoader(needs: SafeLoaderNeeds): SafeLoader {
  const { plan, judge, barOf, lives, services, isServing, grants, programs, network } = needs
  const placed = new Map<string, Placed>()
  /** Those that are to be judged, and brought to the runner if that makes a difference. */
  const due = new Set<string>()
  const errands = new Map<string, Errand>()
  // Errands are by directories, and the runner knows ids: a plugin that was moved has one in two of them.
  const inTurn = takeTurns()
  let closed = false

  const programOf = (directory: string): Frozen<Program> =>
    (Object.hasOwn(programs, directory) ? programs[directory] : undefined) ?? noProgram

  function safeIn(directory: string): Runnable | undefined {
    const plugin = plan.named(directory)
    if (plugin === undefined || !isRunnable(plugin) || isFast(plugin)) return undefined
    return barOf(plugin) === undefined ? plugin : undefined
  }

  const termsOf = (plugin: Runnable, sha256: string): Terms => ({
    rateHz: needs.rateHzOf(plugin),
    granted: grants.of(plugin, sha256),
  })

  /** `isNew`: it was judged just now. */
  function tellPlaced(plugin: Runnable, { sha256, warning }: Placed, isNew: boolean): void {
    const ungranted = describeUngranted(plugin, grants.decide(plugin, sha256))
    const advice = [warning, ungranted].filter(Boolean).join('; ')
    lives.tell(plugin.directory, { kind: 'placed', advice, isNew })
  }

  const isElsewhere = (directory: string, id: string): boolean =>
    [...placed].some(([other, it]) => other !== directory && it.id === id)

  /** Ends what is there of this directory; not what lies in another one by now and has its id. */
  async function endNow(directory: string, { id }: Pick<Placed, 'id'>): Promise<void> {
    if (!isElsewhere(directory, id)) {
      network.revoke(id)
      if (isServing('wasm-runner')) await services.unloadSafe(id) // else there is nothing of it any more
    }
    if (placed.get(directory)?.id === id) placed.delete(directory)
  }

  const end = (directory: string, it: Pick<Placed, 'id'>): Promise<void> => inTurn(it.id, () => endNow(directory, it))

  function requestFor(plugin: Runnable, { verified, configJson }: Judged, terms: Terms) {
    const { manifest, directory } = plugin
    const { onCall } = manifest
    if (onCall !== null) {
      const request = onCallRequest(manifest, verified, onCall.stateful, terms.granted)
      return { request, load: () => services.loadOnCall(request) }
    }
    const order = plan.plugins().findIndex((each) => each.directory === directory)
    const request = safeRequest(manifest, verified, { configJson, order, terms, program: programOf(directory) })
    return { request, load: () => services.loadSafe(request) }
  }

  async function bring(plugin: Runnable, { granted }: Terms, load: () => Promise<void>): Promise<void> {
    const { id, artefact } = plugin.manifest
    const before = placed.get(plugin.directory)
    network.grant(id, granted.hosts) // before its first line of code: that may ask already
    try {
      await load().catch(namePlace(join(plugin.path, artefact)))
    } catch (cause) {
      if (before === undefined) network.revoke(id)
      else network.grant(id, before.terms.granted.hosts)
      throw cause
    }
  }

  async function place(plugin: Runnable): Promise<void> {
    const { manifest, directory } = plugin
    needServing(isServing, 'wasm-runner')
    const judged = await judge(plugin)
    if (placed.has(directory)) await needs.countNow()
    // It may be wanted no more by now, for what was just counted, too: then there is another errand for it.
    if (safeIn(directory)?.manifest !== manifest) return
    await inTurn(manifest.id, () => placeNow(plugin, judged))
  }

  async function placeNow(plugin: Runnable, judged: Judged): Promise<void> {
    const { manifest, directory } = plugin
    const { sha256, warning, bundleVersion } = judged.verified
    const terms = termsOf(plugin, sha256)
    needCovered(needs.fence, terms.granted.fileSystem)
    lives.tell(directory, { kind: 'judged', detail: '' })
    const { request, load } = requestFor(plugin, judged, terms)
    const before = placed.get(directory)
    const code = codeOf(request)
    const isAdjusted = before?.code === code && canAdjust(before, terms)
    const directories = isAdjusted ? before.directories : terms.granted.fileSystem
    const it: Placed = { id: manifest.id, manifest, sha256, warning, code, terms, directories }
    if (isAdjusted) await adjust(before, it)
    else await bring(plugin, terms, load)
    placed.set(directory, it)
    const bar = barOf(plugin)
    if (bar !== undefined) {
      // It lost its standing while it was on its way: it ends.
      lives.tell(directory, { kind: 'refused', detail: bar.message, runsOn: false })
      ask(directory)
      return
    }
    needs.versions.note(manifest.id, bundleVersion)
    tellPlaced(plugin, it, true)
  }

  const canAdjust = ({ directories }: Placed, { granted }: Terms): boolean =>
    granted.fileSystem.every((directory) => isAmong(directories, directory))

  async function adjust({ terms: before }: Placed, { id, manifest, terms }: Placed): Promise<void> {
    if (asText(before) === asText(terms)) return
    network.grant(id, terms.granted.hosts)
    await services.adjustSafe(adjustRequest(manifest, terms))
  }

  /** Of these terms what it can have without being loaded anew. */
  function within(it: Placed, { rateHz, granted }: Terms): Terms {
    const fileSystem = granted.fileSystem.filter((directory) => isAmong(it.directories, directory))
    const capabilities = granted.capabilities.filter((name) => name !== 'FileSystem' || fileSystem.length > 0)
    return { rateHz, granted: { ...granted, fileSystem, capabilities } }
  }

  /** What `it` is to have now, by the manifest that it was judged with. Where that fails: what is not in doubt. */
  function termsNow(plugin: Runnable, it: Placed): { readonly terms: Terms; readonly failure?: unknown } {
    const runs = { ...plugin, manifest: it.manifest }
    try {
      return { terms: termsOf(runs, it.sha256) }
    } catch (failure) {
      return { terms: { rateHz: needs.rateHzOf(runs), granted: grants.withoutFiles(runs, it.sha256) }, failure }
    }
  }

  /**
   * Gives what runs the terms that it is to have now. What is taken from it is taken first; one that needs more than it can
   * be given so is loaded anew.
   */
  async function adjustPlaced(plugin: Runnable, it: Placed): Promise<void> {
    needServing(isServing, 'wasm-runner')
    const { terms, failure } = termsNow(plugin, it)
    const now: Placed = { ...it, terms: within(it, terms) }
    try {
      await adjust(it, now)
    } catch (cause) {
      if (!(cause instanceof RigError) || cause.code !== 'PLUGIN_UNKNOWN') throw cause
      placed.delete(plugin.directory) // the runner lost it without our knowing
      return place(plugin)
    }
    if (placed.get(plugin.directory) === it) placed.set(plugin.directory, now)
    if (failure !== undefined) throw failure
    if (!canAdjust(it, terms)) return place(plugin)
    tellPlaced({ ...plugin, manifest: it.manifest }, it, false)
  }

  async function settle(directory: string): Promise<'done' | 'unfinished'> {
    const plugin = safeIn(directory)
    const before = placed.get(directory)
    if (before !== undefined && before.id !== plugin?.manifest.id) {
      await needs.countNow()
      const ended = await lives.attempt(directory, true, () => end(directory, before))
      if (ended.kind !== 'done') return 'unfinished'
    }
    if (plugin === undefined) return 'done'
    const isDue = due.delete(directory)
    const there = placed.get(directory)
    if (!isDue && there === undefined) return 'done'
    const attempt = await lives.attempt(directory, there !== undefined, () =>
      isDue || there === undefined ? place(plugin) : adjustPlaced(plugin, there),
    )
    if (attempt.kind === 'missing' && isDue) due.add(directory)
    return attempt.kind === 'missing' ? 'unfinished' : 'done'
  }

  function ask(directory: string): void {
    if (closed) return
    const errand = errands.get(directory) ?? startErrand(() => settle(directory), needs.retryMs)
    errands.set(directory, errand)
    errand.ask()
  }

  return {
    changed(directory) {
      due.add(directory)
      ask(directory)
    },
    termsChanged: ask,
    retry() {
      for (const directory of due) ask(directory)
    },
    begin() {
      network.clear()
      for (const directory of placed.keys())
        lives.tell(directory, { kind: 'missing', detail: serviceMissing('wasm-runner').message })
      placed.clear()
      for (const { directory } of plan.plugins()) {
        if (safeIn(directory) === undefined) continue
        due.add(directory)
        ask(directory)
      }
    },
    async stop(plugin, why) {
      const { directory, manifest } = plugin
      due.delete(directory)
      lives.tell(directory, { kind: 'refused', detail: why.message, runsOn: false })
      try {
        await endNow(directory, placed.get(directory) ?? manifest) // whatever is on its way: that ends when it is there
      } finally {
        ask(directory) // again and again, where it is not gone
      }
    },
    runningIn: (directory) => placed.get(directory)?.code,
    whatRunsIn: (directory) => placed.get(directory),
    idleIn: async (directory) => errands.get(directory)?.idle(),
    async idle() {
      await Promise.all([...errands.values()].map((errand) => errand.idle()))
    },
    close() {
      closed = true
      for (const errand of errands.values()) errand.close()
    },
  }
}
