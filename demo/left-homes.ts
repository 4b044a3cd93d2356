import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findHome, type Home } from '../rpc/home.ts'
import { lockFile } from '../rpc/lock.ts'
import { homeLock, homePrefix } from './home.ts'

/** Nobody else can put anything into a directory of ours: they are private. A link is not one. */
function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.getuid?.()
}

const locksIn = (directory: string): readonly string[] =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => name.endsWith('.lock'))
        .map((name) => join(directory, name))
    : []

/** The demo, its host, each service and the loop hold a lock each for as long as they live, however they end. */
const isLeft = (home: Home): boolean =>
  existsSync(join(home.configDir, homeLock)) &&
  [home.configDir, home.runtimeDir, home.shmDir].flatMap(locksIn).every(lockFile)

function demoHomes(): readonly Home[] {
  try {
    const names = readdirSync(tmpdir()).filter((name) => name.startsWith(homePrefix))
    return names.map((name) => findHome({ OPENRACING_HOME: join(tmpdir(), name) }))
  } catch {
    return [] // what is wrong with it is told when a home is made there
  }
}

/** Removes the homes of demos that were killed. Not one of which a process lives: the next demo looks again. */
export function removeLeftHomes(): void {
  for (const home of demoHomes()) {
    try {
      if (!isOurs(home.configDir) || !isLeft(home)) continue
      if (isOurs(home.shmDir)) rmSync(home.shmDir, { recursive: true, force: true })
      rmSync(home.configDir, { recursive: true, force: true })
    } catch {
      // another demo removes it just now: it is none of our work any more
    }
  }
}
