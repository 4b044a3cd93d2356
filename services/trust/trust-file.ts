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

export function openTrustFile(file: string): TrustFile {
  const previous = `${file}.previous`
  const readText = (): string | null => readTextFile(file, documentMaxBytes, 'CONFIG_INVALID')

  const parse = (text: string | null): TrustStore => {
    if (text === null) return new Map()
    try {
      return parseTrustStore(text, { file, code: 'CONFIG_INVALID' })
    } catch (cause) {
      if (!(cause instanceof RigError) || !existsSync(previous)) throw cause
      throw new RigError(cause.code, `${cause.detail}; what was there before the last change is in ${previous}`, {
        cause,
      })
    }
  }

  return {
    read: () => parse(readText()),
    stamp() {
      const status = statSync(file, { bigint: true, throwIfNoEntry: false })
      return status === undefined ? '' : [status.ino, status.size, status.mtimeNs, status.ctimeNs].join(' ')
    },
    change(change) {
      const before = readText()
      const { keys, answer } = change(parse(before))
      const text = formatTrustStore(keys)
      if (Buffer.byteLength(text) > documentMaxBytes) {
        const what = `${keys.size} keys are ${Buffer.byteLength(text)} bytes`
        throw new RigError(
          'CONFIG_INVALID',
          `${what}, more than the ${documentMaxBytes} of a trust store; remove some first`,
        )
      }
      if (before !== null) write(previous, before)
      write(file, text)
      return answer
    },
  }
}
