import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files of a plugin's directory that are looked at. More than that is no plugin's, and is seen by its directory's own time. */
const filesMax = 256

/**
 * Of a directory in it only which one it is: what plugins write lies there. `isOwn`: it is the plugin's directory itself,
 * whose times change when something is made or removed there.
 */
function trace(path: string, isOwn = false): string {
  try {
    const stats = statSync(path, { bigint: true })
    const { ino, size, mtimeNs, ctimeNs, mode } = stats
    return stats.isDirectory() && !isOwn ? `${ino}` : [ino, size, mtimeNs, ctimeNs, mode].join()
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
  return [
    trace(directory, true),
    ...[...names, ...others].map((name) => `${name}:${trace(join(directory, name))}`),
  ].join('|')
}
