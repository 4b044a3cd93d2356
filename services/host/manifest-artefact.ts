import { realpathSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { RigError } from '../../rpc/failure.ts'

/** Whether a path, already free of links and `..`, is below a directory that is too. */
export function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way)
}

/**
 * The real path of a manifest's artefact, for trust to open. Throws RigError: FILE_MISSING when there is none,
 * MANIFEST_INVALID when symbolic links lead out of the plugin's directory.
 */
export function resolveArtefact(pluginDirectory: string, artefact: string): string {
  const named = join(pluginDirectory, artefact)
  let directory: string
  let real: string
  try {
    directory = realpathSync(pluginDirectory)
    real = realpathSync(named)
  } catch (cause) {
    const reason = (cause as Error).message
    throw new RigError(
      'FILE_MISSING',
      `the artefact ${named} cannot be found (${reason}); build it or correct entry_points`,
      { cause },
    )
  }
  if (isBelow(directory, real)) return real
  throw new RigError(
    'MANIFEST_INVALID',
    `the artefact ${named} is ${real}, which is outside ${directory}; copy it into the plugin's directory`,
  )
}
