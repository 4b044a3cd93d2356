import { type RestartPolicy, standardRestart } from '../../supervision/restart.ts'

/** How a service is looked after. All times in ms. */
export interface Care {
  readonly restart: RestartPolicy
  /** How long it may take from its start to SERVING. */
  readonly startDeadlineMs: number
  /** Time between an answer and the next question. */
  readonly checkEveryMs: number
  readonly checkDeadlineMs: number
  /** Questions in a row without an answer, after which it is killed. */
  readonly silencesMax: number
  /** Time between asking it to end and killing it. */
  readonly graceMs: number
}

export const standardCare: Care = {
  restart: standardRestart,
  // A machine that has ten times its work to do was seen to need 12 s, and one that is killed for that begins anew.
  startDeadlineMs: 30_000,
  // A service that hangs is found after 3 to 3.5 s. One check alone may be late on a machine with all cores busy.
  checkEveryMs: 500,
  checkDeadlineMs: 1000,
  silencesMax: 3,
  // The dsp-helper fades torque out and ends the data plane in it, which takes it up to 1.5 s. Three that hang take
  // less than the 10 s after which a container's engine kills all of us.
  graceMs: 2500,
}
