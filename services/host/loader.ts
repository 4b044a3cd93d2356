import type { Logger } from 'pino'
import type { Frozen } from '../../input/freeze.ts'
import type { AuditLog } from './audit-log.ts'
import { type ChainLoader, createChainLoader } from './chain-loader.ts'
import type { Arrangement } from './chain-order.ts'
import type { Config } from './config.ts'
import { openConfigCheck } from './config-check.ts'
import { startErrand } from './errand.ts'
import type { FileGrants } from './file-grants.ts'
import { createJudge, type IsServing } from './judge.ts'
import { rigLimits } from './load-request.ts'
import type { NewestVersions } from './newest-versions.ts'
import { createOutcomes, type Outcome } from './outcomes.ts'
import { isFast, isRunnable, type Plan, type PlannedPlugin } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import { createSafeLoader, type SafeLoaderNeeds } from './safe-loader.ts'
import { createVouchers } from './vouchers.ts'

/** How often loading that a missing service interrupted is tried again, ms; its coming back is heard of at once. */
const retryMs = 1000

export interface LoaderNeeds {
  readonly plan: Plan
  /** The operator's chain. Throws CONFIG_INVALID when it cannot be known. */
  readonly arrangement: () => Arrangement
  readonly config: Frozen<Config>
  readonly services: Pick<
    PluginServices,
    'verify' | 'judgeKeys' | 'listFast' | 'loadSafe' | 'loadOnCall' | 'unloadSafe' | 'setChain'
  >
  readonly isServing: IsServing
  readonly fileGrants: FileGrants
  readonly network: SafeLoaderNeeds['network']
  readonly audit: Pick<AuditLog, 'append'>
  readonly versions: NewestVersions
  readonly log: Logger
}

/** Brings the plugins that are to run to the services that run them, and again when such a service was restarted. */
export interface Loader {
  /** A service has become SERVING. */
  serving(service: string): void
  outcomeOf(plugin: PlannedPlugin): Outcome
  /** Resolves when everything that can be done now is done. */
  settled(): Promise<void>
  /** The chain is another one; resolves when everything that can be done about it now is done. */
  chainChanged(): Promise<void>
  /** SHA-256 of everything that was judged good and may run. */
  judgedGood(): readonly string[]
  /** As the operator wishes: also one that was stopped for its key. */
  judgeAgain: ChainLoader['judgeAgain']
  /** The keys are, or may be, other ones; resolves when nothing runs on the word of one that is not trusted. */
  keysChanged(): Promise<void>
  /** Loads no more; resolves when nothing of it is left. May be called twice. */
  close(): Promise<void>
}

export function createLoader(needs: LoaderNeeds): Loader {
  const { plan, arrangement, config, services, isServing, fileGrants, network, audit, versions, log } = needs
  const { native } = config.plugins
  for (const { directory, manifest } of plan.plugins().filter(isRunnable)) {
    for (const warning of manifest.warnings) log.warn({ plugin: directory, warning }, 'manifest')
  }
  const outcomes = createOutcomes(log)
  const configs = openConfigCheck()
  const vouchers = createVouchers({
    ...{ native, services, audit, log },
    judge: createJudge({ native, services, isServing, configs, versions }),
    // A Safe plugin that does not start leaves nothing behind that runs.
    async runsOlder(plugin) {
      if (!isFast(plugin)) return false
      const reports = await services.listFast().catch(() => undefined)
      const report = reports?.find(({ id }) => id === plugin.manifest.id)
      return reports === undefined || (report?.refusal ?? '') !== ''
    },
    async stop(plugin, why) {
      if (!isFast(plugin)) return safe.stop(plugin, why)
      chain.drop(plugin)
      errands.fast.ask()
      await errands.fast.idle()
    },
  })
  const { judge, needStanding } = vouchers
  const shared = { plan, judge, needStanding, versions, outcomes, services, isServing }
  const safe = createSafeLoader({ ...shared, fileGrants, programs: config.plugins.program, network })
  const chain = createChainLoader({
    ...shared,
    arrangement,
    limits: rigLimits(config),
    native,
    log,
  })
  const errands = { safe: startErrand(safe.load, retryMs), fast: startErrand(chain.load, retryMs) }

  return {
    serving(service) {
      if (service === 'wasm-runner') safe.begin()
      if (service === 'dsp-helper') chain.begin()
      if (service !== 'dsp-helper') errands.safe.ask()
      if (service !== 'wasm-runner') errands.fast.ask()
    },
    outcomeOf: outcomes.of,
    judgedGood: vouchers.judgedGood,
    keysChanged: vouchers.keysChanged,
    async judgeAgain(plugin) {
      const bar = vouchers.lift(plugin)
      try {
        return await chain.judgeAgain(plugin)
      } catch (cause) {
        bar()
        throw cause
      }
    },
    async chainChanged() {
      chain.change()
      errands.fast.ask()
      await errands.fast.idle()
    },
    settled: async () => {
      await Promise.all([errands.safe.idle(), errands.fast.idle()])
    },
    close() {
      errands.safe.close()
      errands.fast.close()
      return configs.close()
    },
  }
}
