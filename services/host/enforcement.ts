import type { Conduct } from './conduct.ts'
import type { Loader } from './loader.ts'
import { type PluginLives, tellPlan } from './plugin-lives.ts'
import type { Plan, Quarantine } from './plugin-plan.ts'

/** Why a plugin is kept from running now; null where it is free. */
export function quarantineOf(conduct: Pick<Conduct, 'standingOf'>, id: string): Quarantine | null {
  const standing = conduct.standingOf(id)
  return standing.kind === 'quarantined' ? { untilMs: standing.untilMs, reason: standing.reason } : null
}

export interface EnforcementNeeds {
  readonly conduct: Pick<Conduct, 'onChange'>
  readonly plan: Plan
  readonly lives: Pick<PluginLives, 'tell'>
  readonly loader: Pick<Loader, 'changed' | 'termsChanged'>
}

/** Has what was decided on the conduct of plugins take effect: it is on the disk by then. Returns what ends that. */
export function enforce({ conduct, plan, lives, loader }: EnforcementNeeds): () => void {
  return conduct.onChange((ids) => {
    const before = new Map(plan.plugins().map((plugin) => [plugin.directory, plugin.wanted]))
    plan.refresh()
    const about = plan.plugins().filter(({ manifest }) => manifest !== null && ids.includes(manifest.id))
    for (const plugin of about) {
      const { directory, wanted } = plugin
      tellPlan(lives, plugin)
      // Either fails nowhere but in the plugin's own life.
      void (wanted === before.get(directory) ? loader.termsChanged(directory) : loader.changed(directory))
    }
  })
}
