import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import type { CheckRequest } from './config-check-thread.ts'
import { type Checked, checkAgainst } from './plugin-config-schema.ts'

/**
 * How long a schema may take, ms: a regular expression of a plugin that backtracks for years is given up. An honest
 * pair is done before an operator notices; it takes its first turn, and does not wait for those that need the second.
 */
const firstTurnMs = 250
const secondTurnMs = 1000

/** What a schema and its configuration may allocate, MiB: both together have at most 128 KiB of text. */
const heapMaxMiB = 64

const isLate: Checked = { fault: `takes more than ${secondTurnMs} ms to check; simplify its patterns` }

/** Checks configurations against the schemas of plugins in a thread of its own: the host goes on meanwhile. */
export interface ConfigCheck {
  /** Throws SERVICE_UNAVAILABLE when it is closed meanwhile. What had to be given up is not tried again. */
  check(request: CheckRequest): Promise<Checked>
  /** Ends the thread; resolves when it is gone. May be called twice. */
  close(): Promise<void>
}

/** Longest schema with its configuration that is checked at once, characters. */
const plainMax = 16 * 1024
/** What can make a check take longer than its text does: expressions, references, alternatives, comparisons of all with all. */
const costly =
  /"(pattern|patternProperties|\$\w*[rR]ef|allOf|anyOf|oneOf|not|if|contains|dependencies|uniqueItems|propertyNames)"/

/** Keywords whose schema is that of many values. */
const perValue: ReadonlySet<string> = new Set(['items', 'additionalItems', 'additionalProperties'])

/** Whether a schema has defaults for each of many values, which may be in defaults themselves: such multiply. */
function multiplies(schema: unknown, isPerValue = false): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  if (isPerValue && Object.hasOwn(schema, 'default')) return true
  return Object.entries(schema).some(([key, part]) => multiplies(part, isPerValue || perValue.has(key)))
}

/** Most plugins say types, bounds and defaults. They need not wait for a thread, or for each other. */
const isPlain = ({ schema }: CheckRequest, text: string): boolean =>
  text.length <= plainMax && !costly.test(text) && !multiplies(schema)

/** Starts its thread with the first check that needs it. */
export function openConfigCheck(): ConfigCheck {
  const given = new Map<string, Checked>() // what was given up, by the digest of its request
  const closing = new AbortController()
  let thread: Worker | undefined
  let turn: Promise<unknown> = Promise.resolve()

  function start(): Worker {
    const worker = new Worker(new URL('./config-check-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMaxMiB },
    })
    worker.on('error', () => undefined) // whoever waits for an answer is told
    return worker
  }

  async function end(): Promise<void> {
    const worker = thread
    thread = undefined
    await worker?.terminate()
  }

  /** Undefined when it was not done in time. */
  async function ask(request: CheckRequest, boundMs: number): Promise<Checked | undefined> {
    let late: AbortSignal | undefined
    try {
      closing.signal.throwIfAborted()
      if (thread === undefined) {
        thread = start()
        await once(thread, 'message', { signal: closing.signal })
      }
      late = AbortSignal.timeout(boundMs)
      const answer = once(thread, 'message', { signal: AbortSignal.any([late, closing.signal]) })
      thread.postMessage(request)
      const [checked] = await answer
      return checked
    } catch (cause) {
      await end()
      if (closing.signal.aborted) throw new RigError('SERVICE_UNAVAILABLE', 'the host is ending', { cause })
      if (late?.aborted) return undefined
      return { fault: `cannot be checked: ${(cause as Error).message}; simplify it` }
    }
  }

  /** One at a time: a check that waits for another would be taken for a slow one. */
  function inTurn(request: CheckRequest, boundMs: number): Promise<Checked | undefined> {
    const mine = turn.then(() => ask(request, boundMs))
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    async check(request) {
      const text = JSON.stringify(request)
      if (isPlain(request, text)) return checkAgainst(request.schema, structuredClone(request.config))
      const digest = createHash('sha256').update(text).digest('hex')
      const before = given.get(digest)
      if (before !== undefined) return before
      const first = await inTurn(request, firstTurnMs)
      if (first !== undefined) return first
      const second = (await inTurn(request, secondTurnMs)) ?? isLate
      if (second === isLate) given.set(digest, isLate)
      return second
    },
    async close() {
      closing.abort()
      await turn
      await end()
    },
  }
}
