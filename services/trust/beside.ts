import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { onOneLine } from '../../input/one-line.ts'
import { readTextFile } from '../../input/text-file.ts'
import { type FailureCode, RigError, systemFailure } from '../../rpc/failure.ts'

const isMissing = (cause: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')

/** Where a link leads; the path itself of what is none, or is not there. */
function followed(file: string, code: FailureCode): string {
  const refuse = (what: string, cause?: unknown): RigError =>
    new RigError(code, `${onOneLine(file)} is a link ${what}; put the file itself there`, { cause })
  let real: string
  try {
    if (!lstatSync(file).isSymbolicLink()) return file
  } catch (cause) {
    if (isMissing(cause)) return file
    const what = `${onOneLine(file)} cannot be read: ${(cause as Error).message}`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), what, { cause })
  }
  try {
    real = realpathSync(file)
  } catch (cause) {
    throw refuse('that leads nowhere', cause)
  }
  if (dirname(real) !== realpathSync(dirname(file))) throw refuse('that leads out of its directory')
  return real
}

/**
 * The text of a proof that lies beside what it is about, or null where there is none. A link that leads out of the
 * directory is refused: what is there is of somebody else, and what is wrong with it would be told with words of it. So is
 * one that leads nowhere, which is there and is no proof. Throws as readTextFile() does. Blocks on the disk.
 */
export const readBeside = (file: string, maxBytes: number, code: FailureCode): string | null =>
  readTextFile(followed(file, code), maxBytes, code)
