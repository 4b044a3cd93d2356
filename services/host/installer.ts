import { basename, join } from 'node:path'
import { RigError, systemFailure } from '../../rpc/failure.ts'
import { bySomebody } from '../../rpc/peer.ts'
import type { Decided } from './audit-chain.ts'
import type { AuditLog } from './audit-log.ts'
import { decideInstall, type InstallWish } from './install-decision.ts'
import type { Judge, Judged } from './judge.ts'
import { pluginNamed } from './named-plugin.ts'
import { carryConfig, misfit } from './operator-config.ts'
import type { Runnable } from './plugin-plan.ts'
import { copyPlugin, type PluginShelf, type Staging } from './plugin-shelf.ts'
import { type Received, receive } from './receive-archive.ts'
import type { InstalledPlugin } from './registry.ts'
import { inTermsOf, readStaged, settleStaged } from './staged-plugin.ts'
import { createTurns } from './turns.ts'
import { type ArchiveFormat, unpack } from './unpack.ts'

/** What somebody wants installed. */
export interface InstallRequest extends InstallWish {
  readonly format: ArchiveFormat
  /** The directory that it gets below the plugin directory; empty: by its name. */
  readonly name: string
  /** How large the archive is, bytes; 0 when nobody says. */
  readonly archiveBytes: number
}

/** How far an installation is: bytes of the archive while it is received, of its files while it is unpacked. */
export interface InstallProgress {
  readonly stage: 'receiving' | 'unpacking' | 'verifying' | 'installing'
  readonly bytesDone: number
  /** 0: nobody knows. */
  readonly bytesTotal: number
}

/** What is in place now. */
export interface InstallResult {
  readonly id: string
  readonly directory: string
  /** Empty of a plugin without a manifest. */
  readonly version: string
  /** Which was there before; empty when none was. */
  readonly previousVersion: string
  /** What the operator should know; empty when there is nothing. */
  readonly warning: string
}

/** A step of an installation; the last one is its result. */
export type InstallStep = { readonly progress: InstallProgress } | { readonly result: InstallResult }

export interface InstallerNeeds {
  readonly shelf: PluginShelf
  /** What lies in the plugin directory now. */
  readonly installed: () => readonly InstalledPlugin[]
  readonly judge: Judge
  readonly audit: Pick<AuditLog, 'append'>
  /**
   * Another version is in this directory, or none any more; resolves when everything that follows now is done, with what
   * keeps what is there from running, or nothing.
   */
  readonly changed: (directory: string) => Promise<string>
}

/** Installs plugins and removes them: each change is made whole or not at all, and one after the other. */
export interface Installer {
  /**
   * Installs the plugin of an archive, or another version of it. Throws ARCHIVE_INVALID, PLUGIN_INSTALLED,
   * PLUGIN_UNKNOWN, REQUEST_INVALID, what is wrong with the plugin and what its judgement comes to; then everything is as
   * it was. So it is when `signal` aborts, or nobody reads on, before the last step.
   */
  install(
    request: InstallRequest,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<InstallStep, void, undefined>
  /** Removes a plugin and the version before it. Throws PLUGIN_UNKNOWN. */
  uninstall(name: string): Promise<InstallResult>
  /** Makes the version before the plugin, and the plugin the version before. Throws as install() does. */
  rollback(name: string): Promise<InstallResult>
}

/** Installations at once: each may take an archive and its files of disk. */
const installsMax = 4

/** Bytes between two steps that tell how far it is. */
const tellEveryBytes = 1 << 20

/** What the disk refuses is the operator's to mend. */
function asFailure(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause
  const what = `the plugin directory cannot be written (${cause.message})`
  return new RigError(systemFailure(cause, 'CONFIG_INVALID'), `${what}; make room there, or make it writable`, {
    cause,
  })
}

/** Steps of how far a part of the work is, and what it returned. */
async function* told<T>(
  stage: InstallProgress['stage'],
  bytesTotal: number,
  work: AsyncGenerator<number, T, undefined>,
): AsyncGenerator<InstallStep, T, undefined> {
  const at = (bytesDone: number): InstallStep => ({ progress: { stage, bytesDone, bytesTotal } })
  yield at(0)
  let last = 0
  try {
    for (;;) {
      const next = await work.next()
      if (next.done === true) return next.value
      if (next.value - last < tellEveryBytes) continue
      last = next.value
      yield at(last)
    }
  } finally {
    await work.return(undefined as never) // where nobody reads on
  }
}

/** A plugin that is put together and may take its place. */
interface Ready {
  readonly plugin: Runnable
  readonly judged: Judged
  readonly before: InstalledPlugin | undefined
  readonly decision: 'install' | 'upgrade' | 'rollback'
  readonly evidence: Decided['evidence']
}

export function createInstaller({ shelf, installed, judge, audit, changed }: InstallerNeeds): Installer {
  const turns = createTurns()
  let underWay = 0

  /** Writes into the audit log what is about to be, and makes it so. */
  async function putInPlace({ plugin, judged, before, decision, evidence }: Ready): Promise<InstallResult> {
    const { path, directory, manifest } = plugin
    const { verified } = judged
    const previousVersion = before?.manifest?.version ?? ''
    audit.append({
      ...{ kind: 'plugin', subject: directory, decision, reason: verified.reason },
      evidence: {
        ...{ plugin_id: manifest.id, version: manifest.version, previous_version: previousVersion },
        ...{ sha256: verified.sha256, ...evidence, ...bySomebody() },
      },
    })
    const unsettled = await shelf.put(path, directory)
    const trouble = await changed(directory)
    const warnings = [verified.warning, ...manifest.warnings, unsettled, trouble].filter((each) => each !== '')
    return { id: manifest.id, directory, version: manifest.version, previousVersion, warning: warnings.join('; ') }
  }

  /** Judges what was unpacked as if it were in place, with the configuration that it would have there. */
  async function prepare(
    { path }: Staging,
    top: string | undefined,
    request: InstallRequest,
    { sha256 }: Received,
  ): Promise<Ready> {
    const needs = { installed: installed(), has: shelf.has, name: request.name }
    const { plugin, belonging } = settleStaged(join(path, 'unpacked'), top, join(path, 'plugin'), needs)
    const { before } = belonging
    const { name, version } = plugin.manifest
    const there = before && { directory: before.directory, version: before.manifest.version }
    const decision = decideInstall({ name, version, installed: there }, request)
    const isCarried = before !== undefined && carryConfig(before.path, plugin.path)
    try {
      const judged = await judge(plugin)
      return { plugin, judged, before, decision, evidence: { archive_sha256: sha256, force: request.force } }
    } catch (cause) {
      const told = inTermsOf(plugin.path, '(archive)', cause)
      throw isCarried ? misfit(told, before.path, version) : told
    }
  }

  async function* installIn(
    staging: Staging,
    request: InstallRequest,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<InstallStep, void, undefined> {
    const file = join(staging.path, 'archive')
    const received = yield* told('receiving', request.archiveBytes, receive(archive, request.archiveBytes, file))
    const { top, bytes } = yield* told('unpacking', 0, unpack(file, request.format, join(staging.path, 'unpacked')))
    const at = (stage: InstallProgress['stage']): InstallStep => ({
      progress: { stage, bytesDone: bytes, bytesTotal: bytes },
    })
    using _turn = await turns.take()
    yield at('verifying')
    const ready = await prepare(staging, top, request, received)
    yield at('installing')
    signal.throwIfAborted() // the last moment
    yield { result: await putInPlace(ready) }
  }

  async function goBack(name: string): Promise<InstallResult> {
    const before = pluginNamed(installed(), name)
    const directory = basename(before.path)
    const previous = shelf.previous(directory)
    if (previous === undefined) {
      const what = `no version of ${directory} before the installed one is kept`
      throw new RigError('REQUEST_INVALID', `${what}; install the archive of the one that you want, with --force`)
    }
    await using staging = await shelf.open()
    const path = join(staging.path, directory)
    await copyPlugin(previous, path)
    const plugin = readStaged(path, previous)
    const judged = await judge(plugin).catch((cause) => {
      throw inTermsOf(path, previous, cause)
    })
    return putInPlace({ plugin, judged, before, decision: 'rollback', evidence: {} })
  }

  async function takeAway(name: string): Promise<InstallResult> {
    const { path, manifest } = pluginNamed(installed(), name)
    const directory = basename(path)
    const [id, version] = [manifest?.id ?? '', manifest?.version ?? '']
    const evidence = { plugin_id: id, version, ...bySomebody() }
    audit.append({
      kind: 'plugin',
      subject: directory,
      decision: 'uninstall',
      reason: 'somebody asked for it',
      evidence,
    })
    await shelf.remove(directory)
    await changed(directory)
    return { id, directory, version: '', previousVersion: version, warning: '' }
  }

  /** One after the other. */
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    using _turn = await turns.take()
    try {
      return await work()
    } catch (cause) {
      throw asFailure(cause)
    }
  }

  return {
    async *install(request, archive, signal) {
      if (underWay >= installsMax) {
        const what = `${installsMax} installations are under way`
        throw new RigError('SERVICE_UNAVAILABLE', `${what}, the most at once; try again when one of them is done`)
      }
      underWay++
      try {
        await using staging = await shelf.open()
        yield* installIn(staging, request, archive, signal)
      } catch (cause) {
        throw asFailure(cause)
      } finally {
        underWay--
      }
    },
    uninstall: (name) => inTurn(() => takeAway(name)),
    rollback: (name) => inTurn(() => goBack(name)),
  }
}
