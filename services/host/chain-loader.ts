import { realpathSync } from 'node:fs'
import type { Logger } from 'pino'
import { chainMax } from '../../gen/layout.ts'
import type { FastPluginSpec, RigLimits } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Arrangement } from './chain-order.ts'
import type { Config } from './config.ts'
import { type IsServing, type Judge, needServing } from './judge.ts'
import { fastSpec } from './load-request.ts'
import type { NewestVersions } from './newest-versions.ts'
import { describeUngranted, type PluginGrants } from './plugin-grants.ts'
import type { Attempt, PluginLives } from './plugin-lives.ts'
import { isFast, isRunnable, type Plan, type Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'
import type { Vouchers } from './vouchers.ts'

/** Brings the chain to the dsp-helper, which has it whole or not at all. */
export interface ChainLoader {
  /** Does what is left to be done. */
  load(): Promise<'done' | 'unfinished'>
  /** The chain is another one; what was judged once stands. */
  change(): void
  /** What runs of this plugin is to run no more unless it is judged good again, with the next load(). */
  drop(plugin: Pick<Runnable, 'directory'>): void
  /** The next chain is in force when it is told, and does not wait for those that start in it. */
  hurry(): void
  /** The dsp-helper is another one: everything is judged and told again. */
  begin(): void
  /** What lies in this directory may be something else: it is judged anew, and what runs goes on where that fails. */
  renew(directory: string): void
  /** What runs of what lies in this directory, as text; undefined where nothing does. */
  runningIn(directory: string): string | undefined
  /** Whether there is something of what lies in this directory, in the chain or judged for it. */
  has(directory: string): boolean
}

export interface ChainLoaderNeeds {
  readonly plan: Plan
  /** Throws CONFIG_INVALID when nobody knows. */
  readonly arrangement: () => Arrangement
  readonly limits: RigLimits
  /** Calls a second that a plugin is to have now; 0: it is not to be called. */
  readonly rateHzOf: (plugin: Runnable) => number
  readonly native: Config['plugins']['native']
  readonly judge: Judge
  readonly needStanding: Vouchers['needStanding']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly lives: Pick<PluginLives, 'tell' | 'attempt'>
  readonly grants: Pick<PluginGrants, 'decide'>
  readonly services: Pick<PluginServices, 'setChain'>
  readonly isServing: IsServing
  readonly log: Logger
}

interface Link {
  readonly spec: FastPluginSpec
  readonly warning: string
  readonly bundleVersion: string
}

const removed = 'removed from the chain; `wheelctl chain set` puts it back'
const chainIsFull = new RigError(
  'CONFIG_INVALID',
  `the loop has room for ${chainMax} Fast plugins, all taken; take one out with \`wheelctl chain remove\`, or list fewer in plugins.enabled`,
)
const asText = (spec: FastPluginSpec): string => JSON.stringify({ ...spec, maxMemoryBytes: `${spec.maxMemoryBytes}` })

const isMissing = ({ kind }: Attempt<unknown>): boolean => kind === 'missing'
const nothing: Arrangement = { links: [], beyond: [], removed: [] }

export function createChainLoader(needs: ChainLoaderNeeds): ChainLoader {
  const { plan, judge, lives, grants, services, isServing, log } = needs
  let links: ReadonlyMap<string, Link> = new Map()
  const renewing = new Set<string>()
  let hurried = false
  /** The links of the chain that was told last, by directory. */
  let told: ReadonlyMap<string, Link> = new Map()
  // Counted, not flagged: what changes while a chain is under way is due after it.
  let wanted = 1
  let done = 0

  async function judged(plugin: Runnable): Promise<Link> {
    needServing(isServing, 'dsp-helper')
    const { verified, configJson } = await judge(plugin)
    const spec = fastSpec(plugin.manifest, verified, configJson, realpathSync(plugin.path), needs.native)
    return { spec, warning: verified.warning, bundleVersion: verified.bundleVersion }
  }

  /** Whether it may still run: one may have lost its standing while the others were judged. */
  function stands(plugin: Runnable): boolean {
    try {
      needs.needStanding(plugin)
      return true
    } catch (cause) {
      if (!(cause instanceof RigError)) throw cause
      refuse(plugin.directory, cause)
      return false
    }
  }

  /** What was judged of this plugin, and not of another one that lay there before it. */
  function linkOfSame({ directory, manifest }: Runnable): Link | undefined {
    const link = links.get(directory)
    return link?.spec.id === manifest.id ? link : undefined
  }

  async function linkOf(plugin: Runnable): Promise<Attempt<Link>> {
    const { directory } = plugin
    const runs = linkOfSame(plugin)
    if (runs !== undefined && !renewing.has(directory)) return { kind: 'done', value: runs }
    renewing.delete(directory)
    const attempt = await lives.attempt(directory, runs !== undefined, () => judged(plugin))
    if (attempt.kind === 'missing') renewing.add(directory)
    return attempt.kind === 'refused' && runs !== undefined ? { kind: 'done', value: runs } : attempt
  }

  const refuse = (directory: string, why: RigError): void =>
    lives.tell(directory, { kind: 'refused', detail: why.message, runsOn: false })

  /** Who is to be in the chain now; those that are not are told why. */
  function members(): readonly Runnable[] {
    let arrangement = nothing
    try {
      arrangement = needs.arrangement()
    } catch (cause) {
      for (const plugin of plan.plugins().filter(isRunnable).filter(isFast))
        void lives.attempt(plugin.directory, false, () => Promise.reject(cause))
    }
    for (const { directory } of arrangement.removed) lives.tell(directory, { kind: 'ended', detail: removed })
    for (const { directory } of arrangement.beyond) refuse(directory, chainIsFull)
    return arrangement.links
  }

  /** Nothing of a plugin that may not touch the torque is in the chain. */
  function isGranted(plugin: Runnable, { spec }: Link): boolean {
    const decided = grants.decide(plugin, spec.sha256)
    if (decided.some(({ capability, granted }) => capability === 'ProcessDsp' && granted)) return true
    const asks = decided.some(({ capability }) => capability === 'ProcessDsp')
    const lacking = 'its manifest does not ask for ProcessDsp, without which it filters nothing'
    const detail = asks ? describeUngranted(plugin, decided) : lacking
    lives.tell(plugin.directory, { kind: 'judged', detail })
    return false
  }

  async function tell(chain: ReadonlyMap<Runnable, Link>): Promise<'done' | 'unfinished'> {
    try {
      needServing(isServing, 'dsp-helper')
      const plugins = [...chain].map(([plugin, { spec }]) => ({ ...spec, updateRateHz: needs.rateHzOf(plugin) }))
      // Whoever is stopped is not kept running until somebody else has started.
      await services.setChain({ plugins, limits: needs.limits, withoutWaiting: hurried })
      hurried = false
    } catch (cause) {
      const attempts = [...chain.keys()].map(({ directory }) =>
        lives.attempt(directory, false, () => Promise.reject(cause)),
      )
      if ((await Promise.all(attempts)).some(isMissing)) return 'unfinished'
      if (chain.size === 0) log.error({ err: cause }, 'the limits of the rig were refused')
      return isServing('dsp-helper') ? 'done' : 'unfinished'
    }
    // Of one that was there already the word stands, also why its successor is not.
    for (const [{ directory, manifest }, link] of chain) {
      if (told.get(directory) === link) continue
      needs.versions.note(manifest.id, link.bundleVersion)
      lives.tell(directory, { kind: 'placed', advice: link.warning })
    }
    told = new Map([...chain].map(([{ directory }, link]) => [directory, link]))
    return 'done'
  }

  async function load(): Promise<'done' | 'unfinished'> {
    if (done === wanted && renewing.size === 0) return 'done'
    const current = wanted
    const before = links
    const plugins = members()
    for (const directory of renewing)
      if (!plugins.some((plugin) => plugin.directory === directory)) renewing.delete(directory)
    const attempts = await Promise.all(plugins.map(linkOf))
    // The chain is replaced whole: one without a plugin that trust cannot judge now would end it, and it may be running.
    if (attempts.some(isMissing)) return 'unfinished'
    const judgedGood = plugins.flatMap((plugin, index): readonly (readonly [Runnable, Link])[] => {
      const attempt = attempts[index]
      return attempt?.kind === 'done' && stands(plugin) ? [[plugin, attempt.value]] : []
    })
    const isNews = judgedGood.some(([{ directory }, link]) => before.get(directory) !== link)
    if (done === current && !isNews) return 'done' // what was to be renewed was refused
    if (current === wanted) links = new Map(judgedGood.map(([{ directory }, link]) => [directory, link]))
    const chain = new Map(judgedGood.filter(([plugin, link]) => isGranted(plugin, link)))
    if ((await tell(chain)) === 'unfinished') return 'unfinished'
    done = current
    return 'done'
  }

  return {
    load,
    change() {
      wanted += 1
    },
    renew: (directory) => void renewing.add(directory),
    runningIn(directory) {
      const spec = told.get(directory)?.spec
      return spec === undefined ? undefined : asText(spec)
    },
    has: (directory) => links.has(directory) || told.has(directory),
    drop({ directory }) {
      links = new Map([...links].filter(([name]) => name !== directory))
      wanted += 1
    },
    hurry() {
      hurried = true
    },
    begin() {
      links = new Map()
      told = new Map()
      wanted += 1
    },
  }
}
