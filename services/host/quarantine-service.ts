import type { Logger } from 'pino'
import {
  type PluginConduct as ConductMessage,
  ConductStanding,
  type QuarantineServiceServer,
  QuarantineServiceService,
  type ReleasePluginRequest,
  type ReleasePluginResponse,
  type ViolationCounts,
} from '../../gen/proto/openracing/v1/quarantine.ts'
import { onOneLine } from '../../input/one-line.ts'
import { invalidField } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import type { Conduct } from './conduct.ts'
import { type Counts, countedKinds } from './conduct-policy.ts'
import type { PluginConduct, Standing } from './conduct-standing.ts'
import { manifestNamed } from './named-plugin.ts'
import type { Plan } from './plugin-plan.ts'

/** Longest reason, characters. */
const reasonMax = 300

export interface QuarantineNeeds {
  readonly conduct: Conduct
  readonly plan: Pick<Plan, 'plugins'>
}

const standingOf = (standing: Standing): ConductStanding => {
  if (standing.kind === 'quarantined') return ConductStanding.CONDUCT_STANDING_QUARANTINED
  if (standing.halvings > 0) return ConductStanding.CONDUCT_STANDING_THROTTLED
  return standing.warned ? ConductStanding.CONDUCT_STANDING_WARNED : ConductStanding.CONDUCT_STANDING_FREE
}

const countsMessage = ({ crash, capability, timeout, budget }: Counts): ViolationCounts => ({
  crash: BigInt(crash),
  capability: BigInt(capability),
  timeout: BigInt(timeout),
  budget: BigInt(budget),
})

/** The wall clock may be anywhere; the wire knows no time before 1970. */
const unixMs = (ms: number): bigint => BigInt(Math.max(0, ms))

function conductMessage(
  { id, standing, counted, totals, dueMs }: PluginConduct,
  { plan }: QuarantineNeeds,
): ConductMessage {
  const installed = plan.plugins().find(({ manifest, problem }) => problem === null && manifest?.id === id)
  const { level } = standing
  return {
    ...{ id, level, standing: standingOf(standing), counted: countsMessage(counted), total: countsMessage(totals) },
    directory: installed?.directory ?? '',
    name: installed?.manifest?.name ?? '',
    halvings: standing.kind === 'free' ? standing.halvings : 0,
    quarantine:
      standing.kind === 'quarantined'
        ? { sinceUnixMs: unixMs(standing.sinceMs), untilUnixMs: unixMs(standing.untilMs), reason: standing.reason }
        : undefined,
    dueUnixMs: dueMs === undefined ? undefined : unixMs(dueMs),
  }
}

const didSomething = ({ totals }: PluginConduct): boolean => countedKinds.some((kind) => totals[kind] > 0)

/** The id of a plugin that is installed, or did something while it was. */
function idOf(name: string, { conduct, plan }: QuarantineNeeds): string {
  const gone = conduct.conductOf(name.toLowerCase())
  if (didSomething(gone)) return gone.id
  if (didSomething(conduct.conductOf(name))) return name // a name of MIDIMon's, which has no UUID
  return manifestNamed(plan.plugins(), name).id
}

function release({ plugin, reason }: ReleasePluginRequest, needs: QuarantineNeeds): ReleasePluginResponse {
  if (reason.length > reasonMax) {
    throw invalidField('reason', `has ${reason.length} characters; the most is ${reasonMax}`)
  }
  const id = idOf(plugin, needs)
  const released = needs.conduct.release(id, onOneLine(reason))
  return { released, conduct: conductMessage(needs.conduct.conductOf(id), needs) }
}

/** QuarantineService over the conduct of plugins. */
export function quarantineService(needs: QuarantineNeeds, log: Logger): ServiceBinding {
  const { conduct } = needs
  const implementation: QuarantineServiceServer = {
    listQuarantined: unary(({ includeFree }) => {
      const some = conduct.list().filter(({ standing }) => includeFree || standing.kind === 'quarantined')
      return { plugins: some.map((each) => conductMessage(each, needs)) }
    }, log),
    getConduct: unary(
      ({ plugin }) => ({ conduct: conductMessage(conduct.conductOf(idOf(plugin, needs)), needs) }),
      log,
    ),
    releasePlugin: unary((request) => {
      return release(request, needs)
    }, log),
  }
  return bind(QuarantineServiceService, implementation)
}
