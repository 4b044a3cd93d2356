import { appendFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createAuditLog } from '../audit-log.ts'
import { type Conduct, createConduct } from '../conduct.ts'
import { releasedAt, reportAt, scriptPolicy, timeOf } from './conduct-script.ts'

// Hosts that go through the script, one after the other, in one process that is killed with all of them. Each but the last
// comes to a standstill before a statement of its database, in the middle of what it was about, and stays there; the last
// goes on until the process is killed. What is left of a database is what a kill at that statement leaves.
// Argument: JSON of an array of Doom. Says `last` when the last one begins.

type Method = (...args: readonly unknown[]) => unknown

/** The same object, with a call before each of its methods is. */
const before = <T extends object>(target: T, call: () => void, change: (key: string, value: unknown) => unknown): T =>
  new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        call()
        return change(String(key), (value as Method).apply(target, [...args]))
      }
    },
  })

const asIs = (_: string, value: unknown): unknown => value

/** A database that calls before each statement, whoever prepared it. */
const watched = (database: DatabaseSync, call: () => void): DatabaseSync =>
  before(database, call, (key, value) => (key === 'prepare' ? before(value as object, call, asIs) : value))

/** What a host is to do, and when it comes to its end. */
export interface Doom {
  readonly file: string
  /** A file that is told what the host is about to do, and what it is told. */
  readonly tellFile: string
  readonly firstStep: number
  /** The statement before which it stands still; 0: none. */
  readonly standBefore: number
}

class StandsStill extends Error {}

function goThrough(conduct: Conduct, clock: { step: number }, tell: (line: string) => void): never {
  conduct.onChange((ids) => {
    for (const id of ids) {
      const standing = conduct.standingOf(id)
      tell(`heard ${id} ${standing.kind === 'quarantined' ? standing.untilMs : 'free'}`)
    }
  })
  for (; ; clock.step += 1) {
    tell(`due ${clock.step}`)
    conduct.due()
    tell(`observe ${clock.step}`)
    conduct.observe([reportAt(clock.step)])
    const released = releasedAt(clock.step)
    if (released === undefined) continue
    tell(`release ${clock.step}`)
    conduct.release(released, `step ${clock.step}.`)
  }
}

/** Returns when the host stands still: nothing that it does from then on, to its database or to anybody, comes to pass. */
function runHost({ file, tellFile, firstStep, standBefore }: Doom): DatabaseSync {
  const clock = { step: firstStep }
  let statements = 0
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON') // what openDatabase() asks for, beside what the file has
  const guard = (): void => {
    statements += 1
    if (standBefore !== 0 && statements >= standBefore) throw new StandsStill()
  }
  const tell = (line: string): void => {
    if (standBefore === 0 || statements < standBefore) appendFileSync(tellFile, `${line}\n`)
  }
  const nowMs = (): number => timeOf(clock.step)
  const silent = { warn: () => {}, info: () => {}, error: () => {} }
  const view = watched(database, guard)
  try {
    const conduct = createConduct({
      ...{ database: view, audit: createAuditLog(view, nowMs), policy: scriptPolicy, log: silent },
      ...{ nowMs, monotonicMs: nowMs, whoIs: () => undefined },
    })
    goThrough(conduct, clock, tell)
  } catch (cause) {
    if (!(cause instanceof StandsStill)) throw cause
  }
  return database
}

const dooms = JSON.parse(process.argv[2] ?? '[]') as readonly Doom[]
const standing: DatabaseSync[] = [] // a database that nobody holds would be closed, and its transaction rolled back
for (const doom of dooms) {
  if (doom.standBefore === 0) process.stdout.write('last\n')
  standing.push(runHost(doom))
}
throw new Error(`${standing.length} hosts stand still, and nobody has killed them`)
