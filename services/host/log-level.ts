import { type Level, levels } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import type { LogLevel } from './config.ts'

/** How much the rig logs: what OPENRACING_LOG_LEVEL says, for one run, else what config.yaml does. */
export function logLevelOf(environment: NodeJS.ProcessEnv, configured: LogLevel): Level | 'silent' {
  const asked = environment.OPENRACING_LOG_LEVEL
  if (!asked) return configured
  if (asked === 'silent' || Object.hasOwn(levels.values, asked)) return asked as Level | 'silent'
  const known = [...Object.keys(levels.values), 'silent'].join(', ')
  throw new RigError('CONFIG_INVALID', `OPENRACING_LOG_LEVEL is ${JSON.stringify(asked)}; set it to one of ${known}`)
}
