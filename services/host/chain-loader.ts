import { realpathSync } from 'node:fs'
import type { Logger } from 'pino'
import { chainMax } from '../../gen/layout.ts'
import type { FastPluginSpec, RigLimits } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Arrangement } from './chain-order.ts'
import type { Config } from './config.ts'
import { type IsServing, type Judge, needServing } from './judge.ts'
import { asText, fastSpec, type WhatRuns } from './load-request.ts'
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
  /**
   * What runs of this plugin ends now, whatever chain is on its way, and is to run no more unless it is judged good again,
   * with the next load(). Rejects as endFast() does; load() does it again.
   */
  drop(plugin: Pick<Runnable, 'directory'>): Promise<void>
  /** The dsp-helper is another one: everything is judged and told again. */
  begin(): void
  /** What lies in this directory may be something else: it is judged anew, and what runs goes on where that fails. */
  renew(directory: string): void
  /** What runs of what lies in this directory, as text; undefined where nothing does. */
  runningIn(directory: string): string | undefined
  /** With what it was judged. */
  whatRunsIn(directory: string): WhatRuns | undefined
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
  readonly barOf: Vouchers['barOf']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly lives: Pick<PluginLives, 'tell' | 'attempt' | 'fail'>
  readonly grants: Pick<PluginGrants, 'decide'>
  readonly services: Pick<PluginServices, 'setChain' | 'endFast' | 'listFast'>
  /** Ends the processes of these plugins where no dsp-helper can. */
  readonly endUnattended: (ids: readonly string[]) => Promise<void>
  readonly isServing: IsServing
  readonly log: Logger
}

interface Link {
  readonly spec: FastPluginSpec
  /** What it was judged with: what lies on the disk by now may have been refused. */
  readonly manifest: Runnable['manifest']
  readonly warning: string
  readonly bundleVersion: string
}

const removed = 'removed from the chain; `wheelctl chain set` puts it back'
const chainIsFull = new RigError(
  'CONFIG_INVALID',
  `the loop has room for ${chainMax} Fast plugins, all taken; take one out with \`wheelctl chain remove\`, or list fewer in plugins.enabled`,
)
const isMissing = ({ kind }: Attempt<unknown>): boolean => kind === 'missing'
const nothing: Arrangement = { links: [], beyond: [], removed: [] }

export function createChainLoader(needs: ChainLoaderNeeds): ChainLoader {
  const { plan, judge, lives, grants, services, isServing, log } = needs
  let links: ReadonlyMap<string, Link> = new Map()
  const renewing = new Set<string>()
  /** The links of the chain that was told last, by directory. */
  let told: ReadonlyMap<string, Link> = new Map()
  /** The chain that was sent last, also one that is on its way, and who was in it. */
  let sent: ReadonlyMap<Runnable, Link> = new Map()
  /** Of plugins that ran when the dsp-helper was another one: while trust is away that is what they are. */
  let remembered: ReadonlyMap<string, Link> = new Map()
  /** Of whom it is being judged whether they come into the chain. */
  let underWay: ReadonlySet<string> = new Set()
  // Counted, not flagged: what changes while a chain is under way is due after it.
  let wanted = 1
  let done = 0

  async function judged(plugin: Runnable): Promise<Link> {
    needServing(isServing, 'dsp-helper')
    const { verified, configJson } = await judge(plugin)
    const spec = fastSpec(plugin.manifest, verified, configJson, realpathSync(plugin.path), needs.native)
    return { spec, manifest: plugin.manifest, warning: verified.warning, bundleVersion: verified.bundleVersion }
  }

  /** Whether it may still run: one may have lost its standing while the others were judged. */
  function stands(plugin: Runnable): boolean {
    const now = plan.named(plugin.directory)
    if (now === undefined || !isRunnable(now) || now.manifest !== plugin.manifest) return false // it is not wanted any more
    const bar = needs.barOf(plugin)
    if (bar !== undefined) refuse(plugin.directory, bar)
    return bar === undefined
  }

  /** What was judged of this plugin, and not of another one that lay there before it. */
  function ofSame(known: ReadonlyMap<string, Link>, { directory, manifest }: Runnable): Link | undefined {
    const link = known.get(directory)
    return link?.spec.id === manifest.id ? link : undefined
  }

  async function linkOf(plugin: Runnable): Promise<Attempt<Link>> {
    const { directory } = plugin
    const runs = ofSame(links, plugin)
    if (runs !== undefined && !renewing.has(directory)) return { kind: 'done', value: runs }
    renewing.delete(directory)
    const attempt = await lives.attempt(directory, runs !== undefined, () => judged(plugin))
    if (attempt.kind === 'missing') renewing.add(directory)
    if (attempt.kind === 'done') lives.tell(directory, { kind: 'judged', detail: '' }) // it waits for nobody any more
    // Nothing that runs ends because it cannot be judged again now.
    const stays = attempt.kind === 'missing' ? (runs ?? ofSame(remembered, plugin)) : runs
    return attempt.kind !== 'done' && stays !== undefined ? { kind: 'done', value: stays } : attempt
  }

  const refuse = (directory: string, why: RigError): void =>
    lives.tell(directory, { kind: 'refused', detail: why.message, runsOn: false })

  /** Who is to be in the chain now; those that are not are told why. */
  function members(): readonly Runnable[] {
    let arrangement = nothing
    try {
      arrangement = needs.arrangement()
    } catch (cause) {
      for (const plugin of plan.plugins().filter(isRunnable).filter(isFast)) lives.fail(plugin.directory, false, cause)
    }
    for (const { directory } of arrangement.removed) lives.tell(directory, { kind: 'ended', detail: removed })
    for (const { directory } of arrangement.beyond) refuse(directory, chainIsFull)
    return arrangement.links
  }

  /** Nothing of a plugin that may not touch the torque is in the chain. */
  function isGranted(plugin: Runnable, sha256: string | null): boolean {
    const decided = grants.decide(plugin, sha256)
    if (decided.some(({ capability, granted }) => capability === 'ProcessDsp' && granted)) return true
    const asks = decided.some(({ capability }) => capability === 'ProcessDsp')
    const lacking = 'its manifest does not ask for ProcessDsp, without which it filters nothing'
    const detail = asks ? describeUngranted(plugin, decided) : lacking
    lives.tell(plugin.directory, { kind: 'judged', detail })
    return false
  }

  /** Without a dsp-helper what is to leave the chain leaves it all the same. */
  async function leaveUnattended(chain: ReadonlyMap<Runnable, Link>): Promise<void> {
    const staying = new Set([...chain.values()].map(({ spec }) => spec.id))
    const leaving = [...sent.values()].map(({ spec }) => spec.id).filter((id) => !staying.has(id))
    if (leaving.length > 0) await needs.endUnattended(leaving)
  }

  async function tell(chain: ReadonlyMap<Runnable, Link>): Promise<'done' | 'unfinished'> {
    if (!isServing('dsp-helper')) await leaveUnattended(chain)
    try {
      needServing(isServing, 'dsp-helper')
      sent = chain
      const plugins = [...chain].map(([plugin, { spec }]) => ({ ...spec, updateRateHz: needs.rateHzOf(plugin) }))
      await services.setChain({ plugins, limits: needs.limits })
    } catch (cause) {
      for (const { directory } of chain.keys()) lives.fail(directory, told.has(directory), cause)
      if (chain.size === 0 && isServing('dsp-helper')) log.error({ err: cause }, 'the limits of the rig were refused')
      return 'unfinished'
    }
    // Of one that was there already the word stands, also why its successor is not.
    for (const [{ directory, manifest }, link] of chain) {
      if (told.get(directory) === link) continue
      needs.versions.note(manifest.id, link.bundleVersion)
      lives.tell(directory, { kind: 'placed', advice: link.warning, isNew: true })
    }
    told = new Map([...chain].map(([{ directory }, link]) => [directory, link]))
    return 'done'
  }

  /** Ends what nobody wants: a loop that was taken over runs what was wanted before, whether or not it can be judged. */
  async function endUnwanted(): Promise<void> {
    if (!isServing('dsp-helper')) return
    const running = await services.listFast()
    const wanted = members().filter((plugin) => isGranted(plugin, null))
    const ids = running.map(({ id }) => id).filter((id) => !wanted.some(({ manifest }) => manifest.id === id))
    if (ids.length > 0) await services.endFast(ids)
  }

  async function load(): Promise<'done' | 'unfinished'> {
    if (done === wanted && renewing.size === 0) return 'done'
    const current = wanted
    const before = links
    const plugins = members()
    underWay = new Set(plugins.map(({ directory }) => directory))
    for (const directory of renewing) if (!underWay.has(directory)) renewing.delete(directory)
    const attempts = await Promise.all(plugins.map(linkOf))
    underWay = new Set()
    // The chain is replaced whole: without a plugin that trust cannot judge now it would end that, and it may be running.
    if (attempts.some(isMissing)) {
      await endUnwanted().catch(() => undefined) // it is done again with everything else
      return 'unfinished'
    }
    const judgedGood = plugins.flatMap((plugin, index): readonly (readonly [Runnable, Link])[] => {
      const attempt = attempts[index]
      return attempt?.kind === 'done' && stands(plugin) ? [[plugin, attempt.value]] : []
    })
    const isNews = judgedGood.some(([{ directory }, link]) => before.get(directory) !== link)
    const rest = renewing.size === 0 ? 'done' : 'unfinished'
    if (done === current && !isNews) return rest // what was to be renewed was refused
    if (current === wanted) links = new Map(judgedGood.map(([{ directory }, link]) => [directory, link]))
    const asJudged = judgedGood.map(([plugin, link]) => [{ ...plugin, manifest: link.manifest }, link] as const)
    const chain = new Map(asJudged.filter(([plugin, link]) => isGranted(plugin, link.spec.sha256)))
    if ((await tell(chain)) === 'unfinished') return 'unfinished'
    done = current
    return rest
  }

  /** Also while there is no dsp-helper: whoever wants a plugin gone does not wait for it. */
  const endNow = (ids: readonly string[]): Promise<void> =>
    isServing('dsp-helper') ? services.endFast(ids) : needs.endUnattended(ids)

  /** Beside the chain that may be on its way: that one waits for plugins that start. */
  async function drop(directory: string): Promise<void> {
    const without = (known: ReadonlyMap<string, Link>) => new Map([...known].filter(([name]) => name !== directory))
    const there = [...sent].filter(([plugin]) => plugin.directory === directory)
    links = without(links)
    remembered = without(remembered)
    wanted += 1
    const ids = there.map(([, { spec }]) => spec.id)
    if (ids.length > 0) await endNow(ids)
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
    whatRunsIn(directory) {
      const link = told.get(directory)
      return link && { manifest: link.manifest, sha256: link.spec.sha256 }
    },
    has: (directory) => links.has(directory) || told.has(directory) || underWay.has(directory),
    drop: ({ directory }) => drop(directory),
    begin() {
      remembered = new Map([...remembered, ...links])
      sent = new Map()
      links = new Map()
      told = new Map()
      wanted += 1
    },
  }
}
