import type { Logger } from 'pino'
import type { Frozen } from '../../input/freeze.ts'
import type { AuditLog } from './audit-log.ts'
import { createChainLoader } from './chain-loader.ts'
import type { Arrangement } from './chain-order.ts'
import type { Config } from './config.ts'
import { startErrand } from './errand.ts'
import type { IsServing, Judge } from './judge.ts'
import { rigLimits, type WhatRuns } from './load-request.ts'
import type { NewestVersions } from './newest-versions.ts'
import type { PluginGrants } from './plugin-grants.ts'
import type { PluginLives } from './plugin-lives.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import { createSafeLoader, type SafeLoaderNeeds } from './safe-loader.ts'
import { createVouchers, type Vouchers } from './vouchers.ts'

/** How often loading that a missing service interrupted is tried again, ms; its coming back is heard of at once. */
const retryMs = 1000

export interface LoaderNeeds {
  readonly plan: Plan
  readonly lives: PluginLives
  /** The operator's chain. Throws CONFIG_INVALID when it cannot be known. */
  readonly arrangement: () => Arrangement
  readonly config: Frozen<Config>
  readonly services: Pick<
    PluginServices,
    'judgeKeys' | 'listFast' | 'loadSafe' | 'loadOnCall' | 'adjustSafe' | 'unloadSafe' | 'setChain' | 'endFast'
  >
  readonly endUnattended: (ids: readonly string[]) => Promise<void>
  readonly isServing: IsServing
  readonly judge: Judge
  readonly grants: Pick<PluginGrants, 'of' | 'withoutFiles' | 'decide'>
  readonly network: SafeLoaderNeeds['network']
  readonly rateHzOf: SafeLoaderNeeds['rateHzOf']
  readonly fence: SafeLoaderNeeds['fence']
  readonly countNow: SafeLoaderNeeds['countNow']
  readonly audit: Pick<AuditLog, 'append'>
  readonly versions: Pick<NewestVersions, 'note'>
  readonly log: Logger
}

/** Brings the plugins that are wanted to the services that run them, again when such a service was restarted, and ends others. */
export interface Loader {
  /** A service has become SERVING. */
  serving(service: string): void
  /** Resolves when everything that can be done now is done. */
  settled(): Promise<void>
  /** The chain is another one; resolves when everything that can be done about it now is done. */
  chainChanged(): Promise<void>
  /**
   * What lies in this directory, or what is wanted of it, is something else. What runs goes on until what takes its place
   * is ready, and if that fails. Resolves when everything that can be done about it now is done.
   */
  changed(directory: string): Promise<void>
  /**
   * On what terms this plugin runs is something else: its rate, what it is granted. It keeps its instance, and its process.
   * Resolves as changed().
   */
  termsChanged(directory: string): Promise<void>
  /** What runs of what lies in this directory, as text that is the same while the same runs; undefined where nothing does. */
  runningIn(directory: string): string | undefined
  /** With what was judged what runs of what lies in this directory; undefined where nothing does. */
  whatRunsIn(directory: string): WhatRuns | undefined
  /** SHA-256 of everything that was judged good and may run. */
  judgedGood: Vouchers['judgedGood']
  /** SHA-256 of what was judged good last in this directory; undefined where nothing was. */
  judgedIn: Vouchers['judgedIn']
  /** SHA-256 of what lies there now. Throws why it may not run. */
  digestOf(plugin: Runnable): Promise<string>
  /** Another plugin, or none, is in this directory. */
  forget: Vouchers['forget']
  /** The operator wants this plugin after all, also where it was stopped for its key. Returns what takes that back. */
  lift: Vouchers['lift']
  /** The keys are, or may be, other ones; resolves when nothing runs on the word of one that is not trusted. */
  keysChanged(): Promise<void>
  /** Loads no more; what is under way goes on to its end. May be called twice. */
  close(): void
}

/** A version that cannot be noted now is noted when the plugin is loaded again: no plugin ends for that. */
const noting = (versions: Pick<NewestVersions, 'note'>, log: Logger): Pick<NewestVersions, 'note'> => ({
  note(pluginId, version) {
    try {
      versions.note(pluginId, version)
    } catch (cause) {
      log.error({ err: cause, plugin: pluginId, version }, 'the version that runs could not be noted')
    }
  },
})

export function createLoader(needs: LoaderNeeds): Loader {
  const { plan, lives, arrangement, config, services, isServing, grants, network, audit, log } = needs
  const { native } = config.plugins
  const versions = noting(needs.versions, log)
  const vouchers = createVouchers({
    ...{ native, services, audit, log, judge: needs.judge },
    async runsOlder(plugin, sha256) {
      if (!isFast(plugin)) return safe.whatRunsIn(plugin.directory)?.sha256 !== sha256
      const reports = await services.listFast().catch(() => undefined)
      const report = reports?.find(({ id }) => id === plugin.manifest.id)
      return reports === undefined || (report?.refusal ?? '') !== ''
    },
    async stop(plugin, why) {
      if (!isFast(plugin)) return safe.stop(plugin, why)
      try {
        await chain.drop(plugin)
      } finally {
        chainErrand.ask() // again and again, where it is not gone
      }
    },
  })
  const { judge, barOf } = vouchers
  const { rateHzOf, countNow } = needs
  const shared = { plan, rateHzOf, countNow, judge, barOf, versions, lives, grants, services, isServing }
  const safe = createSafeLoader({ ...shared, programs: config.plugins.program, network, fence: needs.fence, retryMs })
  const chain = createChainLoader({
    ...shared,
    endUnattended: needs.endUnattended,
    arrangement,
    limits: rigLimits(config),
    native,
    log,
  })
  const chainErrand = startErrand(chain.load, retryMs)

  async function chainChanged(): Promise<void> {
    chain.change()
    chainErrand.ask()
    await chainErrand.idle()
  }

  async function changedFast(directory: string): Promise<void> {
    const plugin = plan.named(directory)
    const fast = plugin !== undefined && isFast(plugin)
    const isLink = fast && isRunnable(plugin)
    if (!fast && !chain.has(directory)) return
    if (isLink) chain.renew(directory)
    else await chain.drop({ directory }).catch(() => undefined) // the errand does it again
    chainErrand.ask()
    await chainErrand.idle()
  }

  return {
    serving(service) {
      if (service === 'wasm-runner') safe.begin()
      if (service === 'dsp-helper') chain.begin()
      if (service !== 'dsp-helper') safe.retry()
      if (service !== 'wasm-runner') chainErrand.ask()
    },
    chainChanged,
    async changed(directory) {
      safe.changed(directory)
      await Promise.all([changedFast(directory), safe.idleIn(directory)])
    },
    async termsChanged(directory) {
      safe.termsChanged(directory)
      const plugin = plan.named(directory)
      await Promise.all([plugin !== undefined && isFast(plugin) ? chainChanged() : undefined, safe.idleIn(directory)])
    },
    runningIn: (directory) => safe.runningIn(directory) ?? chain.runningIn(directory),
    whatRunsIn: (directory) => safe.whatRunsIn(directory) ?? chain.whatRunsIn(directory),
    judgedGood: vouchers.judgedGood,
    judgedIn: vouchers.judgedIn,
    digestOf: async (plugin) => (await judge(plugin)).verified.sha256,
    lift: vouchers.lift,
    forget: vouchers.forget,
    keysChanged: vouchers.keysChanged,
    settled: async () => {
      await Promise.all([safe.idle(), chainErrand.idle()])
    },
    close() {
      safe.close()
      chainErrand.close()
    },
  }
}
