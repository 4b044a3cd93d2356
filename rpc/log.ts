import { type Logger, pino } from 'pino'
import { endWith } from './ending.ts'
import { type LogLevel, logLevelOf } from './log-level.ts'

/** The loggers that were made of one, which take over its level when they are made and not later. */
const childrenOf = new WeakMap<Logger, WeakRef<Logger>[]>()

/** A log on standard error, in lines of JSON: standard output belongs to whoever started us. */
export function createLog(name: string, level: LogLevel): Logger {
  const children: WeakRef<Logger>[] = []
  const log = pino({ name, level, onChild: (child) => void children.push(new WeakRef(child)) }, pino.destination(2))
  childrenOf.set(log, children)
  return log
}

/** Logs as much as that from now on. What was given another level than the rest keeps it. Returns the level before. */
export function setLogLevel(log: Logger, level: LogLevel): LogLevel {
  const previous = log.level as LogLevel
  for (const child of childrenOf.get(log) ?? []) {
    const logger = child.deref()
    if (logger?.level === previous) logger.level = level
  }
  log.level = level
  return previous
}

/**
 * The log of a service that was started with `environment`. A level that does not exist ends the process: there is no log
 * yet that could tell it.
 */
export function openLog(name: string, environment: NodeJS.ProcessEnv): Logger {
  try {
    return createLog(name, logLevelOf(environment, 'info'))
  } catch (cause) {
    return endWith(name, cause)
  }
}
