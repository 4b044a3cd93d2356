import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { parseFailure, RigError } from '../../rpc/failure.ts'
import { delayMs, standardRestart } from '../../supervision/restart.ts'
import type { Report } from './plugin-list.ts'

/** How a plugin stands, for the operator. */
export interface Standing {
  readonly state: PluginState
  /** Empty where there is nothing to say; of what went wrong a code and a sentence. */
  readonly detail: string
}

/** What the dsp-helper does not know or need not say. */
export interface FastPlace {
  /** Path of the library that the operator installed; the dsp-helper has a verified copy. */
  readonly artefact: string
  /** Where its process writes. */
  readonly dataPlaneLog: string
  /** Why no loop ticks, which is what calls the plugin; undefined while one does. */
  readonly loopComplaint: string | undefined
}

/** The dsp-helper's word for a plugin that ran before it did: nothing went wrong. */
const adopted = 'adopted'

/** A process that ends says no code: what ended it was the plugin's own. */
const failureOf = (text: string): RigError => parseFailure(text) ?? new RigError('PLUGIN_FAILED', text)

function detailOf(report: Report, { artefact, dataPlaneLog }: FastPlace): string {
  const { state, detail, statistics, refusal = '' } = report
  if (refusal !== '') {
    const { code, detail: sentence } = failureOf(refusal)
    return `${code}: ${artefact}: ${sentence}; what ran before runs on`
  }
  if (detail === '' || detail === adopted) return detail
  const { code, detail: sentence } = failureOf(detail)
  const failure = `${code}: ${artefact}: ${sentence}`
  const stderr = `its stderr is in ${dataPlaneLog}`
  if (state === PluginState.PLUGIN_STATE_RUNNING) return `it runs again; the last time ${sentence}`
  if (state === PluginState.PLUGIN_STATE_LOADED) return `${failure}; it is being started again; ${stderr}`
  if (state !== PluginState.PLUGIN_STATE_WAITING) return failure
  // Losses in a row, which the pause grows with, are at most all that there were: the restarts and the one just now.
  const pauseMs = delayMs((statistics?.restarts ?? 0) + 1, standardRestart)
  return `${failure}; it is started again within ${pauseMs} ms; ${stderr}`
}

/** How a Fast plugin stands, from what the dsp-helper says of its process and what is known of the loop. */
export function fastStanding(report: Report, place: FastPlace): Standing {
  const { loopComplaint } = place
  // Without frames its process ends by itself and is started again, which is not the plugin's doing.
  if (loopComplaint !== undefined && report.state !== PluginState.PLUGIN_STATE_FAILED) {
    const detail = `SERVICE_UNAVAILABLE: wheel-rt, which calls the plugin, does not run: ${loopComplaint}`
    return { state: PluginState.PLUGIN_STATE_WAITING, detail }
  }
  return { state: report.state, detail: detailOf(report, place) }
}
