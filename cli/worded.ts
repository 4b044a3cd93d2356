import type { AuditEntry } from '../gen/proto/openracing/v1/audit.ts'
import type { Chain, ChainLink } from '../gen/proto/openracing/v1/chain.ts'
import type { Key } from '../gen/proto/openracing/v1/key.ts'
import type { Plugin } from '../gen/proto/openracing/v1/plugin.ts'
import type { PluginConduct } from '../gen/proto/openracing/v1/quarantine.ts'
import type { Rig } from '../gen/proto/openracing/v1/rig.ts'
import type { Violation } from '../gen/proto/openracing/v1/statistics.ts'
import type { Service } from '../gen/proto/openracing/v1/supervisor.ts'
import {
  auditKindWord,
  pluginClassWord,
  pluginGoalWord,
  pluginPhaseWord,
  pluginStateWord,
  riskWord,
  serviceStateWord,
  standingWord,
  trustLevelWord,
  violationWord,
  waitingWord,
} from '../rpc/words.ts'

// Messages of the API as programs get them: with the words that people get, where the API has numbers.

/**
 * What may be written as JSON: an enum of the API is a type of a few numbers, and so is none of this. Whoever forgets to
 * word a message does not compile.
 */
export type Worded<T> = 0 extends 1 & T // any
  ? T
  : unknown extends T
    ? never
    : T extends number
      ? number extends T
        ? T
        : never
      : T extends Uint8Array
        ? T
        : T extends object
          ? { readonly [Key in keyof T]: Worded<T[Key]> }
          : T

const wordedViolation = (violation: Violation) => ({
  ...violation,
  kind: violationWord(violation.kind),
  phase: pluginPhaseWord(violation.phase),
})

export const wordedPlugin = (plugin: Plugin) => ({
  ...plugin,
  pluginClass: pluginClassWord(plugin),
  state: pluginStateWord(plugin),
  goal: pluginGoalWord(plugin.goal),
  grants: plugin.grants.map((grant) => ({ ...grant, risk: riskWord(grant.risk) })),
  violations: plugin.violations.map(wordedViolation),
})

const wordedLink = (link: ChainLink) => ({ ...link, state: pluginStateWord(link) })

export const wordedChain = (chain: Chain) => ({
  ...chain,
  links: chain.links.map(wordedLink),
  removed: chain.removed.map(wordedLink),
})

export const wordedRig = (rig: Rig) => ({
  ...rig,
  loop: rig.loop && { ...rig.loop, waiting: waitingWord(rig.loop.waiting) },
})

export const wordedService = (service: Service) => ({ ...service, state: serviceStateWord(service.state) })
export const wordedKey = (key: Key) => ({ ...key, trustLevel: trustLevelWord(key.trustLevel) })
export const wordedEntry = (entry: AuditEntry) => ({ ...entry, kind: auditKindWord(entry.kind) })
export const wordedConduct = (conduct: PluginConduct) => ({ ...conduct, standing: standingWord(conduct.standing) })
