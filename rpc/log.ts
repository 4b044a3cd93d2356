import { type Logger, pino } from 'pino'
import { endWith } from './ending.ts'
import { logLevelOf } from './log-level.ts'

/**
 * The log of a service that was started with `environment`. On standard error: standard output belongs to whoever
 * started us. A level that does not exist ends the process: there is no log yet that could tell it.
 */
export function openLog(name: string, environment: NodeJS.ProcessEnv): Logger {
  try {
    return pino({ name, level: logLevelOf(environment, 'info') }, pino.destination(2))
  } catch (cause) {
    return endWith(name, cause)
  }
}
