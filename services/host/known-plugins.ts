import { uptime } from 'node:os'
import type { Logger } from 'pino'
import type { Frozen } from '../../input/freeze.ts'
import type { Home } from '../../rpc/home.ts'
import { type Conduct, createConduct } from './conduct.ts'
import { whoIs } from './conduct-words.ts'
import type { Config } from './config.ts'
import { quarantineOf } from './enforcement.ts'
import { createFileGrants } from './file-grants.ts'
import { createPluginGrants, type PluginGrants } from './plugin-grants.ts'
import { createPluginLives, type PluginLives, tellPlan } from './plugin-lives.ts'
import { createPlan, goalByConfig, type Plan } from './plugin-plan.ts'
import { type InstalledPlugin, scanPlugins } from './registry.ts'
import type { RigState } from './rig-state.ts'

/** What is known of the plugins of a rig before any of them runs. */
export interface KnownPlugins {
  readonly plan: Plan
  readonly lives: PluginLives
  readonly conduct: Conduct
  readonly grants: PluginGrants
}

export interface KnownPluginsNeeds {
  readonly home: Home
  readonly config: Frozen<Config>
  readonly state: Pick<RigState, 'database' | 'audit' | 'goals' | 'words'>
  /** The wall clock, ms since 1970. */
  readonly nowMs: () => number
  readonly log: Logger
}

/** Reads the plugin directory, and what was said and decided of the plugins in it. Blocks on the disk. */
export function findPlugins({ home, config, state, nowMs, log }: KnownPluginsNeeds): KnownPlugins {
  const { database, audit, goals, words } = state
  const { plugins: wish } = config
  const found = scanPlugins(home.pluginDir)
  let installed = (): readonly InstalledPlugin[] => found // until there is a plan
  const conduct = createConduct({
    ...{ database, audit, log, policy: wish.quarantinePolicy, nowMs },
    ...{ monotonicMs: () => uptime() * 1000, whoIs: (id) => whoIs(installed(), id) },
  })
  const plan = createPlan(found, wish, home.pluginDir, {
    goalOf: goals.of,
    quarantineOf: (id) => quarantineOf(conduct, id),
  })
  installed = plan.plugins
  const policyOf = (directory: string) => ({ goal: goalByConfig(wish, directory) })
  const lives = createPluginLives({ policyOf, nowMs, log })
  for (const plugin of plan.plugins()) {
    tellPlan(lives, plugin)
    for (const warning of plugin.manifest?.warnings ?? []) log.warn({ plugin: plugin.directory, warning }, 'manifest')
  }
  return {
    ...{ plan, lives, conduct },
    grants: createPluginGrants({ plugins: wish, words, files: createFileGrants(home) }),
  }
}
