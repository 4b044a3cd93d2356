import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { inTime } from './until.ts'

/** What a host says once everything that was asked for runs or has failed. */
export const readyLine = /openracing: ready in [^"\n]*/

/**
 * Resolves with the ready line of a host whose stdout and stderr are piped: on a machine that has other work it comes
 * after the line that says what is up by then, and is in the log.
 */
export function ready({ stdout, stderr }: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const stream of [stdout, stderr] as readonly Readable[]) {
    createInterface({ input: stream }).on('line', (line) => {
      const said = readyLine.exec(line)
      if (said !== null) resolve(said[0])
    })
  }
  return inTime('the host is ready', promise)
}
