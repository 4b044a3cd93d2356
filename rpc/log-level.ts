import { type Level, levels } from 'pino'
import { RigError } from './failure.ts'

export type LogLevel = Level | 'silent'

/** How much is logged: what the variable of the environment says, for one run, else what is `configured`. */
export function logLevelOf(
  environment: NodeJS.ProcessEnv,
  configured: LogLevel,
  variable = 'OPENRACING_LOG_LEVEL',
): LogLevel {
  const asked = environment[variable]
  if (!asked) return configured
  if (asked === 'silent' || Object.hasOwn(levels.values, asked)) return asked as LogLevel
  const known = [...Object.keys(levels.values), 'silent'].join(', ')
  throw new RigError('CONFIG_INVALID', `${variable} is ${JSON.stringify(asked)}; set it to one of ${known}`)
}
