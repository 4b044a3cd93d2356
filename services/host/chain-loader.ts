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
import { type Outcome, type Outcomes, outcomeOfFailure } from './outcomes.ts'
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
  drop(plugin: Runnable): void
  /** The dsp-helper is another one: everything is judged and told again. */
  begin(): void
  /** Judges a plugin as it lies on the disk now. Throws what is wrong with it, and then what runs stays. */
  judgeAgain(plugin: Runnable): Promise<Fresh>
}

/** A plugin that was judged anew. */
export interface Fresh {
  /** Whether it differs from what runs. */
  readonly changed: boolean
  /** Lets it take the place of what runs, with the next load(). */
  accept(): void
}

export interface ChainLoaderNeeds {
  readonly plan: Plan
  /** Throws CONFIG_INVALID when nobody knows. */
  readonly arrangement: () => Arrangement
  readonly limits: RigLimits
  readonly native: Config['plugins']['native']
  readonly judge: Judge
  readonly needStanding: Vouchers['needStanding']
  readonly versions: Pick<NewestVersions, 'note'>
  readonly outcomes: Outcomes
  readonly services: Pick<PluginServices, 'setChain'>
  readonly isServing: IsServing
  readonly log: Logger
}

interface Link {
  readonly spec: FastPluginSpec
  readonly warning: string
  readonly bundleVersion: string
}

const removed: Outcome = { kind: 'removed', detail: 'removed from the chain; `wheelctl chain set` puts it back' }
const chainIsFull = outcomeOfFailure(
  new RigError(
    'CONFIG_INVALID',
    `the loop has room for ${chainMax} Fast plugins, all taken; take one out with \`wheelctl chain remove\`, or list fewer in plugins.enabled`,
  ),
)
const nothing: Arrangement = { links: [], beyond: [], removed: [] }

/** True when a process that runs one is what the other asks for. */
const sameSpec = (a: FastPluginSpec, b: FastPluginSpec): boolean =>
  (Object.keys(a) as (keyof FastPluginSpec)[]).every((key) => a[key] === b[key])

export function createChainLoader(needs: ChainLoaderNeeds): ChainLoader {
  const { plan, judge, outcomes, services, isServing, log } = needs
  let links: ReadonlyMap<string, Link> = new Map()
  // Counted, not flagged: what changes while a chain is under way is due after it.
  let wanted = 1
  let done = 0

  async function judged(plugin: Runnable): Promise<Link> {
    const { verified, configJson } = await judge(plugin)
    const spec = fastSpec(plugin.manifest, verified, configJson, realpathSync(plugin.path), needs.native)
    return { spec, warning: verified.warning, bundleVersion: verified.bundleVersion }
  }

  /** The same link, of a plugin that may still run. */
  async function standing(plugin: Runnable, link: Link | undefined): Promise<Link | undefined> {
    needs.needStanding(plugin)
    return link
  }

  async function linkOf(plugin: Runnable): Promise<Link> {
    needServing(isServing, 'dsp-helper')
    return links.get(plugin.directory) ?? judged(plugin)
  }

  /** Who is to be in the chain now; those that are not are told why. */
  function members(): readonly Runnable[] {
    let arrangement = nothing
    try {
      arrangement = needs.arrangement()
    } catch (cause) {
      for (const plugin of plan.plugins().filter(isRunnable).filter(isFast))
        outcomes.conclude(plugin, outcomeOfFailure(cause), cause)
    }
    for (const plugin of arrangement.removed) outcomes.conclude(plugin, removed)
    for (const plugin of arrangement.beyond) outcomes.conclude(plugin, chainIsFull)
    return arrangement.links
  }

  async function tell(chain: ReadonlyMap<Runnable, Link>): Promise<'done' | 'unfinished'> {
    try {
      needServing(isServing, 'dsp-helper')
      await services.setChain({ plugins: [...chain.values()].map(({ spec }) => spec), limits: needs.limits })
      for (const [plugin, { warning, bundleVersion }] of chain) {
        needs.versions.note(plugin.manifest.id, bundleVersion)
        outcomes.conclude(plugin, { kind: 'placed', detail: warning })
      }
    } catch (cause) {
      const outcome = outcomeOfFailure(cause)
      for (const plugin of chain.keys()) outcomes.conclude(plugin, outcome, cause)
      if (outcome.kind === 'waiting') return 'unfinished'
      if (chain.size === 0) log.error({ err: cause }, 'the limits of the rig were refused')
    }
    return 'done'
  }

  async function load(): Promise<'done' | 'unfinished'> {
    if (done === wanted) return 'done'
    const current = wanted
    const plugins = members()
    const found = await Promise.all(plugins.map((plugin) => outcomes.attempt(plugin, () => linkOf(plugin))))
    // The chain is replaced whole: one without a plugin that trust cannot judge now would end it, and it may be running.
    if (plugins.some((plugin, index) => found[index] === undefined && outcomes.isOpen(plugin))) return 'unfinished'
    // One may have lost its standing while the others were judged.
    const left = await Promise.all(
      plugins.map((plugin, index) => outcomes.attempt(plugin, () => standing(plugin, found[index]))),
    )
    const chain = new Map(plugins.flatMap((plugin, index) => (left[index] ? [[plugin, left[index]]] : [])))
    if (current === wanted) links = new Map([...chain].map(([{ directory }, link]) => [directory, link]))
    if ((await tell(chain)) === 'unfinished') return 'unfinished'
    done = current
    return 'done'
  }

  return {
    load,
    change() {
      wanted += 1
    },
    drop({ directory }) {
      links = new Map([...links].filter(([name]) => name !== directory))
      wanted += 1
    },
    begin() {
      links = new Map()
      wanted += 1
    },
    async judgeAgain(plugin) {
      const link = await judged(plugin)
      const before = links.get(plugin.directory)
      return {
        changed: before === undefined || !sameSpec(before.spec, link.spec),
        accept() {
          links = new Map([...links, [plugin.directory, link]])
          wanted += 1
        },
      }
    },
  }
}
