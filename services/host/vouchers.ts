import type { Logger } from 'pino'
import { Decision } from '../../gen/proto/openracing/v1/trust.ts'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { AuditLog } from './audit-log.ts'
import type { Config } from './config.ts'
import type { Judge, Judged } from './judge.ts'
import type { Signers } from './load-request.ts'
import type { Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

export interface VouchersNeeds {
  readonly judge: Judge
  readonly native: Frozen<Config['plugins']['native']>
  readonly services: Pick<PluginServices, 'judgeKeys'>
  readonly audit: Pick<AuditLog, 'append'>
  /** Whether what was judged before runs on in place of what was judged last, which has this digest. Where nobody knows, it may. */
  runsOlder(plugin: Runnable, sha256: string): Promise<boolean>
  /** Ends a plugin that runs; resolves when it is gone. */
  stop(plugin: Runnable, why: RigError): Promise<void>
  readonly log: Logger
}

/** On whose word the plugins run, and what follows when that is worth nothing any more. */
export interface Vouchers {
  /**
   * Judges a plugin and writes into the audit log what came of it, before anything is done about it. A plugin that was
   * stopped for its key is refused until lift(), also when its key is trusted again.
   */
  readonly judge: Judge
  /** PLUGIN_UNTRUSTED, when what lies in this directory was stopped for its key; undefined where it was not. */
  barOf(plugin: Pick<Runnable, 'directory'>): RigError | undefined
  /** The operator wants this plugin after all. Returns what takes that back. */
  lift(plugin: Pick<Runnable, 'directory'>): () => void
  /** Another plugin, or none, is in this directory: what was said of the one before means nothing. */
  forget(directory: string): void
  /** SHA-256 of everything that was judged good and may run. */
  judgedGood(): readonly string[]
  /** SHA-256 of what was judged good last in this directory; undefined where nothing was. */
  judgedIn(directory: string): string | undefined
  /** The keys are, or may be, other ones: stops what nobody vouches for any more. */
  keysChanged(): Promise<void>
}

/** Bytes that may run, and by whose word. */
interface Word {
  readonly plugin: Runnable
  readonly sha256: string
  readonly signers: Signers
}

/** Judged in a row of which none took: the oldest of them is what runs, and is never forgotten for the others. */
const wordsMax = 8

const isByNobody = ({ keyFingerprints, bundleKeyFingerprints }: Signers): boolean =>
  keyFingerprints.length === 0 && bundleKeyFingerprints.length === 0

export function createVouchers(needs: VouchersNeeds): Vouchers {
  const { judge, native, services, audit, runsOlder, stop, log } = needs
  const { requireSignatures, allowUnsigned, requireBundleSignature } = native
  /** By directory, as both of these, the newest last: what was judged before runs on where a reload does not take. */
  const words = new Map<string, readonly Word[]>()
  const barred = new Map<string, RigError>()
  let keysSeen = 0

  const barOf: Vouchers['barOf'] = ({ directory }) => barred.get(directory)

  function note(plugin: Runnable, decision: string, reason: string, evidence: Record<string, string>): void {
    const mode = { require_signatures: requireSignatures, allow_unsigned: allowUnsigned }
    audit.append({ kind: 'artefact', subject: plugin.directory, decision, reason, evidence: { ...evidence, ...mode } })
  }

  async function remember(
    plugin: Runnable,
    { sha256, signers, warning, reason, bundleVersion }: Judged['verified'],
  ): Promise<void> {
    const evidence = {
      ...{ sha256, bundle_version: bundleVersion, key_fingerprints: signers.keyFingerprints.join(' ') },
      bundle_key_fingerprints: signers.bundleKeyFingerprints.join(' '),
    }
    note(plugin, warning === '' ? 'load' : 'load with warning', reason, evidence)
    const known = await wordsOf(plugin.directory)
    const [oldest, ...others] = known.filter((word) => word.sha256 !== sha256)
    const before = oldest === undefined ? [] : [oldest, ...others.slice(2 - wordsMax)]
    words.set(plugin.directory, [...before, { plugin, sha256, signers }])
  }

  async function judgeOnce(plugin: Runnable): Promise<Judged> {
    const bar = barOf(plugin)
    if (bar !== undefined) throw bar
    try {
      const judged = await judge(plugin)
      await remember(plugin, judged.verified)
      return judged
    } catch (cause) {
      // What could not be judged now is judged later.
      if (cause instanceof RigError && cause.code !== 'SERVICE_UNAVAILABLE') {
        note(plugin, 'refuse', cause.detail, { code: cause.code })
      }
      throw cause
    }
  }

  async function stopFor({ plugin, sha256, signers }: Word, reason: string): Promise<void> {
    const { directory } = plugin
    const why = `${directory} was stopped: ${reason}; when it is to run again, reload it, or start the rig again`
    const refusal = new RigError('PLUGIN_UNTRUSTED', why)
    words.delete(directory)
    barred.set(directory, refusal)
    log.warn({ plugin: directory, reason }, 'a plugin is stopped: nobody vouches for it any more')
    const fingerprints = [...signers.keyFingerprints, ...signers.bundleKeyFingerprints].join(' ')
    const evidence = { sha256, key_fingerprints: fingerprints }
    try {
      audit.append({ kind: 'plugin', subject: directory, decision: 'stop', reason, evidence })
    } finally {
      await stop(plugin, refusal) // also where nothing can be written any more
    }
  }

  async function check(word: Word): Promise<void> {
    const { plugin, signers } = word
    if (isByNobody(signers)) return
    const mode = { requireSignatures, allowUnsigned, requireBundleSignature }
    const keys = {
      keyFingerprints: [...signers.keyFingerprints],
      bundleKeyFingerprints: [...signers.bundleKeyFingerprints],
    }
    const { decision, reason } = await services.judgeKeys({ ...keys, ...mode })
    if (decision !== Decision.DECISION_REFUSE || !words.get(plugin.directory)?.includes(word)) return
    await stopFor(word, reason)
  }

  /** Those that may run. */
  async function wordsOf(directory: string): Promise<readonly Word[]> {
    const known = words.get(directory) ?? []
    const newest = known.at(-1)
    if (newest === undefined || known.length === 1 || (await runsOlder(newest.plugin, newest.sha256))) return known
    if (words.get(directory) === known) words.set(directory, [newest])
    return [newest]
  }

  async function checkDirectory(directory: string): Promise<void> {
    for (const word of await wordsOf(directory)) await check(word)
  }

  return {
    barOf,
    async judge(plugin) {
      for (;;) {
        const seen = keysSeen
        const judged = await judgeOnce(plugin)
        if (seen === keysSeen) return judged // else the keys may have been others by then
      }
    },
    lift({ directory }) {
      const bar = barOf({ directory })
      barred.delete(directory)
      return () => {
        if (bar !== undefined) barred.set(directory, bar)
      }
    },
    judgedGood: () => [...words.values()].flatMap((known) => known.map(({ sha256 }) => sha256)),
    forget(directory) {
      words.delete(directory)
      barred.delete(directory)
    },
    judgedIn: (directory) => words.get(directory)?.at(-1)?.sha256,
    async keysChanged() {
      keysSeen++
      const outcomes = await Promise.allSettled([...words.keys()].map(checkDirectory))
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') log.error({ err: outcome.reason }, 'a plugin could not be judged again')
      }
    },
  }
}
