import type { Logger } from 'pino'
import { Decision } from '../../gen/proto/openracing/v1/trust.ts'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { AuditLog } from './audit-log.ts'
import type { Config } from './config.ts'
import type { Judge, Judged } from './judge.ts'
import type { Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

export interface VouchersNeeds {
  readonly judge: Judge
  readonly native: Frozen<Config['plugins']['native']>
  readonly services: Pick<PluginServices, 'judgeKeys'>
  readonly audit: Pick<AuditLog, 'append'>
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
  /** Throws PLUGIN_UNTRUSTED when the plugin was stopped for its key since it was judged. */
  needStanding(plugin: Runnable): void
  /** The operator wants this plugin after all. */
  lift(plugin: Runnable): void
  /** SHA-256 of everything that was judged good and may run. */
  judgedGood(): readonly string[]
  /** The keys are, or may be, other ones: stops what nobody vouches for any more. */
  keysChanged(): Promise<void>
}

interface Vouched {
  readonly plugin: Runnable
  readonly sha256: string
  readonly fingerprints: readonly string[]
}

export function createVouchers({ judge, native, services, audit, stop, log }: VouchersNeeds): Vouchers {
  /** By directory, as all of these. */
  const vouched = new Map<string, Vouched>()
  const barred = new Map<string, RigError>()
  const good = new Map<string, string>()
  let keysSeen = 0
  let checking = Promise.resolve()

  const needStanding = ({ directory }: Runnable): void => {
    const why = barred.get(directory)
    if (why !== undefined) throw why
  }

  function note(plugin: Runnable, decision: string, reason: string, evidence: Record<string, string>): void {
    const mode = { require_signatures: native.requireSignatures, allow_unsigned: native.allowUnsigned }
    audit.append({ kind: 'artefact', subject: plugin.directory, decision, reason, evidence: { ...evidence, ...mode } })
  }

  async function judgeOnce(plugin: Runnable): Promise<Judged> {
    needStanding(plugin)
    try {
      const judged = await judge(plugin)
      const { sha256, warning, reason, keyFingerprints: fingerprints, bundleVersion } = judged.verified
      const evidence = { sha256, key_fingerprints: fingerprints.join(' '), bundle_version: bundleVersion }
      note(plugin, warning === '' ? 'load' : 'load with warning', reason, evidence)
      good.set(plugin.directory, sha256)
      vouched.delete(plugin.directory)
      if (fingerprints.length > 0) vouched.set(plugin.directory, { plugin, sha256, fingerprints })
      return judged
    } catch (cause) {
      // What could not be judged now is judged later.
      if (cause instanceof RigError && cause.code !== 'SERVICE_UNAVAILABLE') {
        note(plugin, 'refuse', cause.detail, { code: cause.code })
      }
      throw cause
    }
  }

  async function check(word: Vouched): Promise<void> {
    const { plugin, sha256, fingerprints } = word
    const { requireSignatures, allowUnsigned } = native
    const request = { fingerprints: [...fingerprints], requireSignatures, allowUnsigned }
    const { decision, reason } = await services.judgeKeys(request)
    if (decision !== Decision.DECISION_REFUSE || vouched.get(plugin.directory) !== word) return
    const { directory } = plugin
    const why = `${directory} was stopped: ${reason}; when it is to run again, reload it, or start the rig again`
    const evidence = { sha256, key_fingerprints: fingerprints.join(' ') }
    audit.append({ kind: 'plugin', subject: directory, decision: 'stop', reason, evidence })
    vouched.delete(directory)
    const refusal = new RigError('PLUGIN_UNTRUSTED', why)
    barred.set(directory, refusal)
    log.warn({ plugin: directory, reason }, 'a plugin is stopped: nobody vouches for it any more')
    await stop(plugin, refusal)
  }

  async function checkAll(): Promise<void> {
    const outcomes = await Promise.allSettled([...vouched.values()].map(check))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') log.error({ err: outcome.reason }, 'a plugin could not be judged again')
    }
  }

  return {
    needStanding,
    async judge(plugin) {
      for (;;) {
        const seen = keysSeen
        const judged = await judgeOnce(plugin)
        if (seen === keysSeen) return judged // else the keys may have been others by then
      }
    },
    judgedGood: () => [...good.values()],
    lift: ({ directory }) => void barred.delete(directory),
    keysChanged() {
      keysSeen++
      checking = checking.then(checkAll)
      return checking
    },
  }
}
