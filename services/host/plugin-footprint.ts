import { readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleFile } from '../trust/bundle.ts'
import { sidecarPaths } from '../trust/sidecar.ts'
import { isBelow } from './manifest-artefact.ts'
import { manifestNames } from './registry.ts'

/**
 * Other files of a plugin's directory that are looked at. Of more than that only coming and going is seen, by the
 * directory's own time.
 */
const othersMax = 256

/**
 * Of a directory in it only which one it is: what plugins write lies there. `isOwn`: it is the plugin's directory itself,
 * whose times change when something is made or removed there.
 */
function trace(path: string, isOwn = false): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (stats === undefined) return 'missing'
    const { ino, size, mtimeNs, ctimeNs, mode } = stats
    return stats.isDirectory() && !isOwn ? `${ino}` : [ino, size, mtimeNs, ctimeNs, mode].join()
  } catch {
    return 'missing'
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort().slice(0, othersMax)
  } catch {
    return []
  }
}

/** What decides what a plugin is and whether it may run: signatures lie where the artefact's file is, not a link to it. */
function decidingFiles(directory: string, artefact: string | null): readonly string[] {
  const own = [...manifestNames, 'config.json', bundleFile].map((name) => join(directory, name))
  if (artefact === null) return own
  const named = join(directory, artefact)
  return [...own, named, ...sidecarPaths(realPathOf(named) ?? named)]
}

/**
 * What can be seen of a plugin from outside: of its directory, of what decides about it, and of each other file there.
 * Another text means that something was changed. Blocks on the disk for some 3 us a file. `artefact`: relative to the
 * directory; null: none.
 */
export function footprintOf(directory: string, artefact: string | null): string {
  const others = filesIn(directory).map((name) => join(directory, name))
  const files = new Set([...decidingFiles(directory, artefact), ...others])
  return [trace(directory, true), ...[...files].map((path) => `${path}:${trace(path)}`)].join('|')
}

/** Directories from `top` down to the one that a file is in; `top` alone for a file that is not below it. */
function wayTo(top: string, file: string): readonly string[] {
  const directory = dirname(file)
  return isBelow(top, directory) ? [...wayTo(top, directory), directory] : [top]
}

/**
 * Directories in which something of a plugin changes, by their real paths: its own, and those on the way to its artefact
 * as far as they are there. A build may begin by removing them.
 */
export function placesOf(directory: string, artefact: string | null): readonly string[] {
  const own = realPathOf(directory)
  if (own === undefined) return []
  const named = join(own, artefact ?? '')
  const ways = [named, realPathOf(named) ?? named].flatMap((file) => wayTo(own, file))
  return [...new Set(ways.flatMap((place) => realPathOf(place) ?? []))]
}
