import { join } from 'node:path'
import type { PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Config, Program } from './config.ts'
import { type FileGrants, ungrantedFiles } from './file-grants.ts'
import { type IsServing, type Judge, type Judged, needServing } from './judge.ts'
import { noProgram, onCallRequest, safeRequest } from './load-request.ts'
import type { NetworkGrants } from './network-grants.ts'
import type { NewestVersions } from './newest-versions.ts'
import { type Outcomes, outcomeOfFailure } from './outcomes.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import type { Vouchers } from './vouchers.ts'

/** Brings Safe plugins to the wasm-runner, those that tick and those that are called. */
export interface SafeLoader {
  /** Loads those for which something is left to be done. */
  load(): Promise<'done' | 'unfinished'>
  /** The wasm-runner is another one, and has none of them. */
  begin(): void
  /** Ends one that runs, or is on its way; resolves when it is gone. `why`: what is told of it from then on. */
  stop(plugin: Runnable, why: RigError): Promise<void>
}

export interface SafeLoaderNeeds {
  readonly plan: Plan
  readonly judge: Judge
  readonly needStanding: Vouchers['needStanding']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly outcomes: Outcomes
  readonly services: Pick<PluginServices, 'loadSafe' | 'loadOnCall' | 'unloadSafe'>
  readonly isServing: IsServing
  readonly fileGrants: FileGrants
  readonly programs: Frozen<Config['plugins']['program']>
  readonly network: Pick<NetworkGrants, 'grant' | 'revoke' | 'clear'>
}

/** The service knows only the verified copy; the operator wants to know which file it is a copy of. */
const namePlace =
  (artefact: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof RigError) || cause.code === 'SERVICE_UNAVAILABLE') throw cause
    throw new RigError(cause.code, `${artefact}: ${cause.detail}`, { cause })
  }

/** What the operator should know of a plugin that runs, and what to do about it; empty when there is nothing. */
function adviceFor({ manifest, directory }: Runnable, { verified }: Judged, fileSystem: readonly PathGrant[]): string {
  const ungranted = ungrantedFiles(manifest, fileSystem)
  const grant = `to grant that write {name: ${directory}, auto_grant: [FileSystem]} in plugins.enabled and start the rig again`
  return [verified.warning, ...(ungranted === '' ? [] : [`${ungranted}; ${grant}`])].filter(Boolean).join('; ')
}

export function createSafeLoader(needs: SafeLoaderNeeds): SafeLoader {
  const { plan, judge, outcomes, services, isServing, fileGrants, programs, network } = needs
  const programOf = (directory: string): Frozen<Program> =>
    (Object.hasOwn(programs, directory) ? programs[directory] : undefined) ?? noProgram
  const safe = (): readonly Runnable[] =>
    plan
      .plugins()
      .filter(isRunnable)
      .filter((plugin) => !isFast(plugin))

  async function bring(plugin: Runnable, { verified, configJson }: Judged, fileSystem: readonly PathGrant[]) {
    const { manifest, directory } = plugin
    if (manifest.onCall !== null)
      return services.loadOnCall(onCallRequest(manifest, verified, manifest.onCall.stateful, fileSystem))
    const order = plan.plugins().findIndex((each) => each.directory === directory)
    return services.loadSafe(
      safeRequest(manifest, verified, { configJson, order, fileSystem, program: programOf(directory) }),
    )
  }

  async function loadOne(plugin: Runnable): Promise<void> {
    needServing(isServing, 'wasm-runner')
    const fileSystem = fileGrants(plugin)
    const judged = await judge(plugin)
    network.grant(plugin.manifest) // before its first line of code: that may ask already
    try {
      await bring(plugin, judged, fileSystem).catch(namePlace(join(plugin.path, plugin.manifest.artefact)))
    } catch (cause) {
      network.revoke(plugin.manifest.id)
      throw cause
    }
    try {
      needs.needStanding(plugin) // it may have lost it while it was on its way
    } catch (cause) {
      await end(plugin)
      throw cause
    }
    needs.versions.note(plugin.manifest.id, judged.verified.bundleVersion)
    outcomes.conclude(plugin, { kind: 'placed', detail: adviceFor(plugin, judged, fileSystem) })
  }

  async function end({ manifest }: Runnable): Promise<void> {
    network.revoke(manifest.id)
    await services.unloadSafe(manifest.id)
  }

  return {
    async load() {
      const open = safe().filter(outcomes.isOpen)
      await Promise.all(open.map((plugin) => outcomes.attempt(plugin, () => loadOne(plugin))))
      return safe().some(outcomes.isOpen) ? 'unfinished' : 'done'
    },
    async stop(plugin, why) {
      outcomes.conclude(plugin, outcomeOfFailure(why), why)
      await end(plugin)
    },
    begin() {
      network.clear()
      for (const plugin of safe()) outcomes.forget(plugin)
    },
  }
}
