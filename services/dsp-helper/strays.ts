import { existsSync, readdirSync } from 'node:fs'
import { findProcesses } from '../../supervision/found-process.ts'
import { removeFiles, segmentPath } from './plugin-process.ts'

/**
 * Ends the processes of plugins that no roster names, and removes what they shared: a helper that was killed while it
 * started or replaced one leaves them. `known`: the numbers of those that it named.
 */
export function endStrays(shmDir: string, known: ReadonlySet<number>): void {
  if (!existsSync(shmDir)) return
  const numbers = readdirSync(shmDir).flatMap((name) => Number(/^(?:plugin|config)-(\d+)$/.exec(name)?.[1] ?? []))
  const strays = [...new Set(numbers)].filter((instance) => !known.has(instance))
  if (strays.length === 0) return
  const segments = new Set(strays.map((instance) => segmentPath(shmDir, instance)))
  for (const { send } of findProcesses('wheel-dsp', (argument) => segments.has(argument))) send('SIGKILL')
  for (const instance of strays) removeFiles(shmDir, instance)
}
