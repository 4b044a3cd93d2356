import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../input/document.ts'
import { readTextFile } from '../input/text-file.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { writeDurably } from './durable-file.ts'

/** Why the rig is stopped. */
export interface EstopRecord {
  /** ms since 1970. */
  readonly sinceMs: number
  readonly reason: string
}

const recordSchema = z.strictObject({
  version: z.literal(1),
  engaged: z.union([z.null(), z.strictObject({ since_ms: z.int().min(0), reason: z.string() })]),
})

/** Generous for one reason of 200 bytes, bytes. */
const recordBytesMax = 4096

const fileOf = (home: Pick<Home, 'stateDir'>): string => join(home.stateDir, 'estop.json')

/**
 * What the disk says: null when the rig is not stopped. A record that cannot be read might be of a rig that is: it counts
 * as stopped, and says so. `nowMs` is since when, then.
 */
export function readEstopRecord(home: Pick<Home, 'stateDir'>, nowMs: number): EstopRecord | null {
  const file = fileOf(home)
  try {
    const text = readTextFile(file, recordBytesMax, 'CONFIG_INVALID')
    if (text === null) return null
    const { engaged } = parseJson(text, recordSchema, { file, code: 'CONFIG_INVALID' })
    return engaged === null ? null : { sinceMs: engaged.since_ms, reason: engaged.reason }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    return {
      sinceMs: nowMs,
      reason: `the record of the stop cannot be read, which counts as stopped (${cause.detail})`,
    }
  }
}

/** Makes it what the disk says, null for not stopped. Throws the system's error. */
export function writeEstopRecord(home: Pick<Home, 'stateDir'>, record: EstopRecord | null): void {
  const engaged = record === null ? null : { since_ms: record.sinceMs, reason: record.reason }
  writeDurably(fileOf(home), `${JSON.stringify({ version: 1, engaged })}\n`)
}
