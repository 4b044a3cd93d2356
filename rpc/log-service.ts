import type { Logger } from 'pino'
import { LogLevel as Level, type LogServiceServer, LogServiceService } from '../gen/proto/openracing/v1/log.ts'
import { invalidField } from './failure.ts'
import { setLogLevel } from './log.ts'
import type { LogLevel } from './log-level.ts'
import { unary } from './unary.ts'

const words: Readonly<Record<Level, LogLevel | undefined>> = {
  [Level.LOG_LEVEL_UNSPECIFIED]: undefined,
  [Level.LOG_LEVEL_TRACE]: 'trace',
  [Level.LOG_LEVEL_DEBUG]: 'debug',
  [Level.LOG_LEVEL_INFO]: 'info',
  [Level.LOG_LEVEL_WARN]: 'warn',
  [Level.LOG_LEVEL_ERROR]: 'error',
  [Level.LOG_LEVEL_FATAL]: 'fatal',
  [Level.LOG_LEVEL_SILENT]: 'silent',
}

const levelOf = (word: LogLevel): Level =>
  Number(Object.entries(words).find(([, each]) => each === word)?.[0] ?? Level.LOG_LEVEL_UNSPECIFIED) as Level

/** Has a log take a level of the API; returns the one before. Throws REQUEST_INVALID. */
export function takeLogLevel(log: Logger, level: Level): Level {
  const word = words[level]
  if (word === undefined) throw invalidField('level', `is ${level}; send LOG_LEVEL_TRACE to LOG_LEVEL_SILENT`)
  const previous = setLogLevel(log, word)
  log.info({ level: word, previous }, 'how much is logged')
  return levelOf(previous)
}

/** LogService of a process. */
export const logService = (log: Logger) => ({
  definition: LogServiceService,
  implementation: {
    setOwnLogLevel: unary(({ level }) => ({ previous: takeLogLevel(log, level) }), log),
  } satisfies LogServiceServer,
})
