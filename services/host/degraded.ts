import { type RestartState, standardRestart } from '../../supervision/restart.ts'

/** How a service fares. */
export interface ServiceStatus {
  readonly name: string
  readonly state: RestartState
  /** 0 while there is no process. */
  readonly pid: number
  /** How it ended the last time; empty when it never did. */
  readonly lastExit: string
}

/** What a rig lacks without each of its services. */
const lacks: Readonly<Record<string, string>> = {
  trust: 'nothing can be verified, so nothing is loaded; what runs goes on',
  'wasm-runner': 'no Safe plugin, action or preprocessor runs',
  'dsp-helper': 'the loop and the Fast plugins that run go on for up to 30 s, and what of them ends stays away',
}

/** A time to come, for a person: in seconds while that is exact enough. */
function inTime(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

function comesBack({ name, state }: ServiceStatus, nowMs: number): string {
  const byHand = `\`wheelctl service restart ${name}\``
  switch (state.kind) {
    case 'starting':
      return 'it is being started again'
    case 'waiting':
      return `it is started again in ${inTime(state.until - nowMs)}`
    case 'failed':
      return `it is tried once more in ${inTime(state.until - nowMs)}, or now with ${byHand}`
    case 'running':
    case 'stopped':
      return ''
  }
}

const { intensity } = standardRestart
const tooOften =
  intensity === null ? '' : `, more than ${intensity.most} times in ${inTime(intensity.windowMs)}, and was given up`

/**
 * What the rig lacks because a service was lost and does not run, and when or how it comes back: a sentence without its
 * full stop, or nothing. `nowMs`: of the clock of its state.
 */
export function degradedBy(status: ServiceStatus, nowMs: number): string {
  const { name, state, lastExit } = status
  if (state.kind === 'running' || state.kind === 'stopped' || lastExit === '') return ''
  const given = state.kind === 'failed' ? tooOften : ''
  return `${name} ${lastExit}${given}: ${lacks[name] ?? 'what it does is not done'}; ${comesBack(status, nowMs)}`
}

/** The same of each service that the rig lacks something for. */
export const degradations = (
  services: readonly ServiceStatus[],
  nowMs: number,
): readonly { readonly service: string; readonly detail: string }[] =>
  services
    .map((status) => ({ service: status.name, detail: degradedBy(status, nowMs) }))
    .filter(({ detail }) => detail !== '')
