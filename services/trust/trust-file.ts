import { existsSync, statSync } from 'node:fs'
import { documentMaxBytes } from '../../input/document.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError, systemFailure } from '../../rpc/failure.ts'
import { writeDurably } from '../../state/durable-file.ts'
import type { KeyChange } from './key-changes.ts'
import { formatTrustStore, parseTrustStore, type TrustStore } from './trust-store.ts'

/** `trust_store.json`. The trust service is its only writer; an operator may edit it at any time. */
export interface TrustFile {
  /**
   * The keys as the file has them now; none when there is no file. A file that cannot be read whole trusts nobody: throws
   * RigError CONFIG_INVALID or FILE_MISSING.
   */
  read(): TrustStore
  /** Another word whenever the file is another one. */
  stamp(): string
  /**
   * Makes a change, which is on the disk when this returns, and what was there before in the file with `.previous`. Throws
   * as read() does, what the change throws, and CONFIG_INVALID for more keys than are read; then nothing is written.
   */
  change<Answer>(change: (keys: TrustStore) => KeyChange<Answer>): Answer
}

function write(file: string, text: string): void {
  try {
    writeDurably(file, text)
  } catch (cause) {
    const what = `${file} cannot be written (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'CONFIG_INVALID'), `${what}; make room, or its directory writable`, {
      cause,
    })
  }
}

/** How often a change is made anew because somebody edited the file meanwhile: nobody types that fast. */
const triesMax = 5

function stampOf(file: string): string {
  try {
    const status = statSync(file, { bigint: true, throwIfNoEntry: false })
    return status === undefined ? '' : [status.ino, status.size, status.mtimeNs, status.ctimeNs].join(' ')
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? '?' // who reads it is told
  }
}

export function openTrustFile(file: string): TrustFile {
  const previous = `${file}.previous`
  let parsed: { readonly text: string; readonly keys: TrustStore } | undefined

  const remedy = (): string => (existsSync(previous) ? `; what was there before the last change is in ${previous}` : '')

  function readText(): string | null {
    const text = readTextFile(file, documentMaxBytes, 'CONFIG_INVALID')
    if (text !== null || !existsSync(previous)) return text
    // An editor may be about to put it back. A store that is meant to be empty is a file with nobody in it.
    throw new RigError(
      'CONFIG_INVALID',
      `${file} is missing${remedy()}; restore it, or write {} into it to trust nobody`,
    )
  }

  function parse(text: string | null): TrustStore {
    if (text === null) return new Map()
    if (parsed?.text === text) return parsed.keys
    try {
      parsed = { text, keys: parseTrustStore(text, { file, code: 'CONFIG_INVALID' }) }
      return parsed.keys
    } catch (cause) {
      if (cause instanceof RigError) throw new RigError(cause.code, `${cause.detail}${remedy()}`, { cause })
      throw cause
    }
  }

  function formatted(keys: TrustStore): string {
    const text = formatTrustStore(keys)
    const bytes = Buffer.byteLength(text)
    if (bytes <= documentMaxBytes) return text
    const what = `${keys.size} keys are ${bytes} bytes, more than the ${documentMaxBytes} of a trust store`
    throw new RigError('CONFIG_INVALID', `${what}; remove some first`)
  }

  return {
    read: () => parse(readText()),
    stamp: () => stampOf(file),
    change(change) {
      for (let tries = 0; tries < triesMax; tries++) {
        const stamp = stampOf(file)
        const before = readText()
        const { keys, answer } = change(parse(before))
        const text = formatted(keys)
        if (before !== null) write(previous, before)
        if (stampOf(file) !== stamp) continue // somebody edited it: what they wrote is not to be lost
        write(file, text)
        return answer
      }
      throw new RigError('CONFIG_INVALID', `${file} is being changed all the time by somebody else; try again later`)
    },
  }
}
