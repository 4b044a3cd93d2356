import { join } from 'node:path'
import { RigError } from '../../rpc/failure.ts'
import { type IsServing, type Judge, needServing } from './judge.ts'
import { onCallRequest, safeRequest, type Verified } from './load-request.ts'
import type { NetworkGrants } from './network-grants.ts'
import type { Outcomes } from './outcomes.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

/** Brings Safe plugins to the wasm-runner, those that tick and those that are called. */
export interface SafeLoader {
  /** Loads those for which something is left to be done. */
  load(): Promise<'done' | 'unfinished'>
  /** The wasm-runner is another one, and has none of them. */
  begin(): void
}

export interface SafeLoaderNeeds {
  readonly plan: Plan
  readonly judge: Judge
  readonly outcomes: Outcomes
  readonly services: Pick<PluginServices, 'loadSafe' | 'loadOnCall'>
  readonly isServing: IsServing
  readonly network: Pick<NetworkGrants, 'grant' | 'revoke' | 'clear'>
}

/** The service knows only the verified copy; the operator wants to know which file it is a copy of. */
const namePlace =
  (artefact: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof RigError) || cause.code === 'SERVICE_UNAVAILABLE') throw cause
    throw new RigError(cause.code, `${artefact}: ${cause.detail}`, { cause })
  }

export function createSafeLoader({ plan, judge, outcomes, services, isServing, network }: SafeLoaderNeeds): SafeLoader {
  const safe = (): readonly Runnable[] =>
    plan
      .plugins()
      .filter(isRunnable)
      .filter((plugin) => !isFast(plugin))

  async function bring({ manifest, directory }: Runnable, verified: Verified, configJson: string): Promise<void> {
    if (manifest.onCall !== null)
      return services.loadOnCall(onCallRequest(manifest, verified, manifest.onCall.stateful))
    const order = plan.plugins().findIndex((each) => each.directory === directory)
    return services.loadSafe(safeRequest(manifest, verified, configJson, order))
  }

  async function loadOne(plugin: Runnable): Promise<void> {
    needServing(isServing, 'wasm-runner')
    const { verified, configJson } = await judge(plugin)
    network.grant(plugin.manifest) // before its first line of code: that may ask already
    try {
      await bring(plugin, verified, configJson).catch(namePlace(join(plugin.path, plugin.manifest.artefact)))
    } catch (cause) {
      network.revoke(plugin.manifest.id)
      throw cause
    }
    outcomes.conclude(plugin, { kind: 'placed', detail: verified.warning })
  }

  return {
    async load() {
      const open = safe().filter(outcomes.isOpen)
      await Promise.all(open.map((plugin) => outcomes.attempt(plugin, () => loadOne(plugin))))
      return safe().some(outcomes.isOpen) ? 'unfinished' : 'done'
    },
    begin() {
      network.clear()
      for (const plugin of safe()) outcomes.forget(plugin)
    },
  }
}
