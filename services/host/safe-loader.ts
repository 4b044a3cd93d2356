import { join } from 'node:path'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Config, Program } from './config.ts'
import { type Errand, startErrand } from './errand.ts'
import { type IsServing, type Judge, type Judged, needServing, serviceMissing } from './judge.ts'
import { noProgram, onCallRequest, safeRequest } from './load-request.ts'
import type { NetworkGrants } from './network-grants.ts'
import type { NewestVersions } from './newest-versions.ts'
import { describeUngranted, type Granted, type PluginGrants } from './plugin-grants.ts'
import type { PluginLives } from './plugin-lives.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import type { Vouchers } from './vouchers.ts'

/** Brings Safe plugins to the wasm-runner, those that tick and those that are called, and ends them there. */
export interface SafeLoader {
  /** What lies in this directory, or what is wanted of it, is something else. */
  changed(directory: string): void
  /** What could not be done for want of a service can be tried again. */
  retry(): void
  /** The wasm-runner is another one, and has none of them. */
  begin(): void
  /** Ends one that runs, or is on its way; resolves when it is gone. `why`: what is told of it from then on. */
  stop(plugin: Runnable, why: RigError): Promise<void>
  /** What the wasm-runner has of what lies in this directory, as text; undefined where that is nothing. */
  runningIn(directory: string): string | undefined
  /** Resolves when everything that can be done now is done. */
  idle(): Promise<void>
  /** Loads no more; what is under way goes on to its end. */
  close(): void
}

export interface SafeLoaderNeeds {
  readonly plan: Plan
  readonly judge: Judge
  readonly needStanding: Vouchers['needStanding']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly lives: Pick<PluginLives, 'tell' | 'attempt'>
  readonly services: Pick<PluginServices, 'loadSafe' | 'loadOnCall' | 'unloadSafe'>
  readonly isServing: IsServing
  readonly grants: Pick<PluginGrants, 'of' | 'decide'>
  readonly programs: Frozen<Config['plugins']['program']>
  readonly network: Pick<NetworkGrants, 'grant' | 'revoke' | 'clear'>
  readonly retryMs: number
}

/** A plugin that the wasm-runner has. */
interface Placed {
  readonly id: string
  /** Everything that it was loaded with. */
  readonly request: string
}

/** The service knows only the verified copy; the operator wants to know which file it is a copy of. */
const namePlace =
  (artefact: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof RigError) || cause.code === 'SERVICE_UNAVAILABLE') throw cause
    throw new RigError(cause.code, `${artefact}: ${cause.detail}`, { cause })
  }

const asText = (request: object): string =>
  JSON.stringify(request, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))

export function createSafeLoader(needs: SafeLoaderNeeds): SafeLoader {
  const { plan, judge, lives, services, isServing, grants, programs, network } = needs
  const placed = new Map<string, Placed>()
  /** Those that are to be judged, and brought to the runner if that makes a difference. */
  const due = new Set<string>()
  const errands = new Map<string, Errand>()

  const programOf = (directory: string): Frozen<Program> =>
    (Object.hasOwn(programs, directory) ? programs[directory] : undefined) ?? noProgram

  function safeIn(directory: string): Runnable | undefined {
    const plugin = plan.named(directory)
    return plugin !== undefined && isRunnable(plugin) && !isFast(plugin) ? plugin : undefined
  }

  async function unload({ id }: Placed): Promise<void> {
    network.revoke(id)
    if (isServing('wasm-runner')) await services.unloadSafe(id) // else there is nothing of it any more
  }

  async function end(directory: string, it: Placed): Promise<void> {
    await unload(it)
    if (placed.get(directory) === it) placed.delete(directory)
  }

  function requestFor(plugin: Runnable, { verified, configJson }: Judged, granted: Granted) {
    const { manifest, directory } = plugin
    const { onCall } = manifest
    if (onCall !== null) {
      const request = onCallRequest(manifest, verified, onCall.stateful, granted)
      return { request, bring: () => services.loadOnCall(request) }
    }
    const order = plan.plugins().findIndex((each) => each.directory === directory)
    const request = safeRequest(manifest, verified, { configJson, order, granted, program: programOf(directory) })
    return { request, bring: () => services.loadSafe(request) }
  }

  async function bring(plugin: Runnable, granted: Granted, load: () => Promise<void>): Promise<void> {
    const { id, artefact } = plugin.manifest
    const wasThere = placed.has(plugin.directory)
    network.grant(id, granted.hosts) // before its first line of code: that may ask already
    try {
      await load().catch(namePlace(join(plugin.path, artefact)))
    } catch (cause) {
      if (!wasThere) network.revoke(id)
      throw cause
    }
  }

  async function place(plugin: Runnable): Promise<void> {
    const { manifest, directory } = plugin
    needServing(isServing, 'wasm-runner')
    const judged = await judge(plugin)
    const { sha256, warning, bundleVersion } = judged.verified
    const granted = grants.of(plugin, sha256)
    lives.tell(directory, { kind: 'judged', detail: '' })
    const { request, bring: load } = requestFor(plugin, judged, granted)
    const it: Placed = { id: manifest.id, request: asText(request) }
    if (placed.get(directory)?.request !== it.request) {
      await bring(plugin, granted, load)
      placed.set(directory, it)
    }
    try {
      needs.needStanding(plugin) // it may have lost it while it was on its way
    } catch (cause) {
      await end(directory, it)
      throw cause
    }
    needs.versions.note(manifest.id, bundleVersion)
    const ungranted = describeUngranted(plugin, grants.decide(plugin, sha256))
    lives.tell(directory, { kind: 'placed', advice: [warning, ungranted].filter(Boolean).join('; ') })
  }

  async function settle(directory: string): Promise<'done' | 'unfinished'> {
    const plugin = safeIn(directory)
    const before = placed.get(directory)
    if (before !== undefined && before.id !== plugin?.manifest.id) {
      const ended = await lives.attempt(directory, true, () => end(directory, before))
      if (ended.kind !== 'done') return 'unfinished'
    }
    if (plugin === undefined || !due.has(directory)) return 'done'
    due.delete(directory)
    const attempt = await lives.attempt(directory, placed.has(directory), () => place(plugin))
    if (attempt.kind === 'missing') due.add(directory)
    return attempt.kind === 'missing' ? 'unfinished' : 'done'
  }

  function ask(directory: string): void {
    const errand = errands.get(directory) ?? startErrand(() => settle(directory), needs.retryMs)
    errands.set(directory, errand)
    errand.ask()
  }

  return {
    changed(directory) {
      due.add(directory)
      ask(directory)
    },
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
      const it = placed.get(directory) ?? { id: manifest.id, request: '' }
      await end(directory, it)
    },
    runningIn: (directory) => placed.get(directory)?.request,
    async idle() {
      await Promise.all([...errands.values()].map((errand) => errand.idle()))
    },
    close() {
      for (const errand of errands.values()) errand.close()
    },
  }
}
