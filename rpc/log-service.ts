import type { Logger } from 'pino'
import { LogLevel as Level, type LogServiceServer, LogServiceService } from '../gen/proto/openracing/v1/log.ts'
import { invalidField } from './failure.ts'
import { setLogLevel } from './log.ts'
import { unary } from './unary.ts'
import { logLevelOf, logLevelWord } from './words.ts'

/** Has a log take a level of the API; returns the one before. Throws REQUEST_INVALID. */
export function takeLogLevel(log: Logger, level: Level): Level {
  const word = logLevelWord(level)
  if (word === undefined || word === 'unknown')
    throw invalidField('level', `is ${level}; send LOG_LEVEL_TRACE to LOG_LEVEL_SILENT`)
  const previous = setLogLevel(log, word)
  log.info({ level: word, previous }, 'how much is logged')
  return logLevelOf(previous) ?? Level.LOG_LEVEL_UNSPECIFIED
}

/** LogService of a process. */
export const logService = (log: Logger) => ({
  definition: LogServiceService,
  implementation: {
    setOwnLogLevel: unary(({ level }) => ({ previous: takeLogLevel(log, level) }), log),
  } satisfies LogServiceServer,
})
