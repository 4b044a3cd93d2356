import type { Logger } from 'pino'
import type { Loader } from './loader.ts'
import { type PluginLives, tellPlan } from './plugin-lives.ts'
import type { Plan } from './plugin-plan.ts'
import { quietMs, sweepEveryMs, watchPlugins } from './plugin-watch.ts'
import { findPlugin, type InstalledPlugin } from './registry.ts'

export interface DiscoveryNeeds {
  readonly pluginDir: string
  readonly plan: Plan
  readonly lives: PluginLives
  readonly loader: Pick<Loader, 'changed' | 'forget'>
  readonly log: Logger
}

/** Has what lies in the plugin directory run, whenever it changes. */
export interface Discovery {
  /**
   * Looks at a directory as it lies there now, and does what follows. A plugin that cannot run as it lies there now goes
   * on as it was. Resolves when everything that can be done now is done.
   */
  look(directory: string): Promise<void>
  /** May be called twice. */
  close(): void
}

/** Whether it is the plugin that it was, of whatever version. */
const isSame = (before: InstalledPlugin, now: InstalledPlugin | undefined): boolean =>
  now !== undefined &&
  before.manifest?.id === now.manifest?.id &&
  before.manifest?.pluginClass === now.manifest?.pluginClass

export function startDiscovery({ pluginDir, plan, lives, loader, log }: DiscoveryNeeds): Discovery {
  /** What lies there could not take the place of what runs; it may, once others have changed. */
  const refused = new Set<string>()

  async function look(directory: string): Promise<void> {
    refused.delete(directory)
    const found = findPlugin(pluginDir, directory)
    const known = plan.named(directory)
    if (found === undefined && known === undefined) return
    const problem = found === undefined ? null : plan.preview(directory, found).problem
    if (problem !== null && lives.of(directory).placed) {
      lives.tell(directory, { kind: 'refused', detail: problem, runsOn: true })
      refused.add(directory)
      return
    }
    const others = plan.plugins().filter((plugin) => plugin.directory !== directory)
    if (known !== undefined && !isSame(known, found)) {
      lives.forget(directory)
      loader.forget(directory)
    }
    plan.put(directory, found)
    const now = plan.named(directory)
    if (now !== undefined) tellPlan(lives, now)
    log.info({ plugin: directory, found: found !== undefined }, 'a plugin directory was changed')
    // One that had the same id may be the plugin now.
    const freed = others.flatMap((before) => {
      const after = plan.named(before.directory)
      return after !== undefined && after.problem !== before.problem ? [after] : []
    })
    for (const plugin of freed) tellPlan(lives, plugin)
    await loader.changed(directory) // whose id they have is gone then
    await Promise.all(freed.map((plugin) => loader.changed(plugin.directory)))
    for (const other of [...refused]) await look(other)
  }

  const watching = watchPlugins({
    pluginDir,
    quietMs,
    sweepEveryMs,
    artefactOf: (directory) => plan.named(directory)?.manifest?.artefact ?? null,
    seen(directory) {
      look(directory).catch((cause: unknown) => log.error({ err: cause, plugin: directory }, 'looking at a plugin'))
    },
  })
  return { look, close: watching.close }
}
