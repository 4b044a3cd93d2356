import { join } from 'node:path'
import { z } from 'zod'
import { documentMaxBytes, parseJson } from '../../input/document.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError, systemFailure } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { writeDurably } from '../../state/durable-file.ts'
import { type ChainOrder, noOrder } from './chain-order.ts'

const recordSchema = z.strictObject({
  version: z.literal(1),
  order: z.array(z.string()),
  removed: z.array(z.string()),
})

/** The order of the chain on the disk. */
export interface ChainRecord {
  /** Throws CONFIG_INVALID when the file cannot be read: what was removed would be back unseen. */
  order(): ChainOrder
  /** On the disk when it returns. Throws PERMISSION_DENIED or FILE_MISSING, and the order is as it was. */
  write(order: ChainOrder): void
}

function read(file: string): ChainOrder {
  const text = readTextFile(file, documentMaxBytes, 'CONFIG_INVALID')
  if (text === null) return noOrder
  const { order, removed } = parseJson(text, recordSchema, { file, code: 'CONFIG_INVALID' })
  return { order, removed }
}

const unreadable = (cause: RigError): RigError =>
  new RigError(
    'CONFIG_INVALID',
    `the order of the chain cannot be read, so no Fast plugin runs (${cause.detail}); \`wheelctl chain set NAME...\` writes it anew`,
    { cause },
  )

/** Reads what a host before us left. */
export function openChainRecord({ stateDir }: Pick<Home, 'stateDir'>): ChainRecord {
  const file = join(stateDir, 'chain.json')
  let known: ChainOrder | RigError
  try {
    known = read(file)
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    known = unreadable(cause)
  }

  return {
    order() {
      if (known instanceof RigError) throw known
      return known
    },
    write(order) {
      try {
        writeDurably(file, `${JSON.stringify({ version: 1, ...order })}\n`)
      } catch (cause) {
        const why = `the chain stays as it is: ${file} cannot be written (${(cause as Error).message}); make room in ${stateDir}, or make it writable`
        throw new RigError(systemFailure(cause, 'FILE_MISSING'), why, { cause })
      }
      known = order
    },
  }
}
