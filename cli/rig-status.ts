import type { Chain } from '../gen/proto/openracing/v1/chain.ts'
import type { Estop, Limits, Rig, TelemetryIntake } from '../gen/proto/openracing/v1/rig.ts'
import { pluginStateWord, waitingWord } from '../rpc/words.ts'
import { distributionOf, emptyHistogram } from './distribution.ts'

const nm = (value = 0): string => `${value.toFixed(3)} N·m`
const us = (value: number): string => `${value.toFixed(1)} µs`

/** The emergency stop in one line. */
const driving = ({ drivingPid }: Estop): string =>
  drivingPid === 0
    ? 'no loop runs'
    : `THE LOOP DRIVES ON: end it with \`kill ${drivingPid}\`, or cut the power of the wheel`

export function describeEstop(estop: Estop | undefined): string {
  if (!estop?.engaged) return 'not engaged'
  const since = new Date(Number(estop.sinceUnixMs)).toISOString()
  const force = estop.inForce ? 'torque is held at zero' : driving(estop)
  const parts = [`ENGAGED since ${since}`, force, estop.reason, estop.warning].filter((part) => part !== '')
  return parts.join('; ')
}

function describeLimits(limits: Limits | undefined): string {
  const assent = limits?.highTorqueAllowed ? ', high torque allowed' : ''
  return `at most ${limits?.maxTorqueNm ?? 0} N·m, ${limits?.maxSlewNmPerS ?? 0} N·m/s, gain ${limits?.gain.toFixed(2) ?? 0}${assent}`
}

/** The chain in one line, as torque goes through it. */
function describeChain({ links }: Chain): string {
  if (links.length === 0) return 'empty'
  return links.map((link) => `${link.name || link.directory} (${pluginStateWord(link)})`).join(' → ')
}

/** What became of the force of games, in one line. */
function describeForce(intake: TelemetryIntake | undefined): string {
  const { forceUnderruns = 0n, droppedForceSamples = 0n, droppedForceFrames = 0n } = intake ?? {}
  return `${forceUnderruns} underruns, ${droppedForceSamples} samples too early and dropped, ${droppedForceFrames} frames not taken by the loop`
}

/** Rows of the rig's status, for a table. */
export function describeRig(rig: Rig & { readonly chain: Chain }): readonly (readonly string[])[] {
  const { loop, torque, wheel, telemetry } = rig
  const late = distributionOf(loop?.lateness ?? emptyHistogram)
  return [
    ['loop', loop?.running ? `running, pid ${loop.pid}` : 'not running'],
    ['ticks', `${loop?.ticks ?? 0n}, ${loop?.missedTicks ?? 0n} missed`],
    ['lateness', `p50 ${us(late.p50)}, p99 ${us(late.p99)}, p99.9 ${us(late.p999)}, max ${us(late.max)}`],
    [
      'real time',
      `${loop?.realtime ? 'SCHED_FIFO' : 'no SCHED_FIFO'}, ${loop?.memoryLocked ? 'memory locked' : 'memory not locked'}, waiting ${waitingWord(loop?.waiting)}`,
    ],
    ['torque', `in ${nm(torque?.inNm)}, out ${nm(torque?.outNm)}, at most ${nm(torque?.maxAbsNm)}`],
    ['limits', describeLimits(rig.limits)],
    ['estop', describeEstop(rig.estop)],
    ['chain', describeChain(rig.chain)],
    ['wheel', `${(wheel?.angle ?? 0).toFixed(3)} rad, ${(wheel?.speed ?? 0).toFixed(3)} rad/s`],
    ['telemetry', `${telemetry?.frames ?? 0n} frames, ${telemetry?.droppedPackets ?? 0n} packets dropped`],
    ['force', describeForce(telemetry)],
    ...rig.degraded.map(({ detail }) => ['degraded', detail]),
  ]
}
