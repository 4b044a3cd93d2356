import { existsSync, readdirSync } from 'node:fs'
import { findProcesses, followProcess } from '../../supervision/found-process.ts'
import { removeFiles, segmentPath } from './plugin-process.ts'
import type { Roster } from './roster.ts'
import type { SeatProcess } from './seat.ts'

/** Whose processes are known: those to adopt, and those to end. */
export type Known = Pick<Roster, 'others'> & { readonly places: readonly SeatProcess[] }

/**
 * Ends the processes of plugins that nobody will adopt, and removes what they shared. The roster names those that were
 * not ready or not wanted any more; a helper that was killed in the moment of a start leaves one that it does not name,
 * and that is known by its arguments alone. A place whose process ended meanwhile keeps its files, for who looks back.
 */
export function endStrays(shmDir: string, { places, others }: Known): void {
  for (const other of others) followProcess(other)?.send('SIGKILL')
  if (!existsSync(shmDir)) return
  const numbers = readdirSync(shmDir).flatMap((name) => Number(/^(?:plugin|config)-(\d+)$/.exec(name)?.[1] ?? []))
  const known = new Set(places.filter(({ pid }) => pid !== 0).map(({ instance }) => instance))
  const strays = [...new Set(numbers)].filter((instance) => !known.has(instance))
  if (strays.length === 0) return
  const segments = new Set(strays.map((instance) => segmentPath(shmDir, instance)))
  const running = findProcesses('wheel-dsp', (argument) => segments.has(argument))
  for (const { send } of running) send('SIGKILL')
  for (const instance of strays) removeFiles(shmDir, instance)
}
