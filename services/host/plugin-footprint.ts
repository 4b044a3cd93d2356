import { type BigIntStats, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files of a plugin's directory that are looked at. More than that is no plugin's, and is seen by its directory's own time. */
const filesMax = 256

const traceOf = ({ ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): string =>
  [ino, size, mtimeNs, ctimeNs, mode].join()

/** Of a directory in it only which one it is: what plugins write lies there. */
function trace(path: string): string {
  try {
    const stats = statSync(path, { bigint: true })
    return stats.isDirectory() ? `${stats.ino}` : traceOf(stats)
  } catch {
    return 'missing'
  }
}

/** Its own time changes when something is made or removed there. */
function ownTrace(directory: string): string {
  try {
    return traceOf(statSync(directory, { bigint: true }))
  } catch {
    return 'missing'
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort().slice(0, filesMax)
  } catch {
    return []
  }
}

/**
 * What can be seen of a plugin from outside: of its directory, each file there and its artefact. Another text means that
 * something was changed. Blocks on the disk for some 3 us a file. `artefact`: relative to the directory; null: none.
 */
export function footprintOf(directory: string, artefact: string | null): string {
  const names = filesIn(directory)
  const others = artefact === null || names.includes(artefact) ? [] : [artefact]
  return [ownTrace(directory), ...[...names, ...others].map((name) => `${name}:${trace(join(directory, name))}`)].join(
    '|',
  )
}
