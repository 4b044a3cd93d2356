import { readFileSync } from 'node:fs'
import { processCpuNanoseconds } from '../../shm/clock.ts'

/** A process at one moment. */
export interface ProcessSight {
  readonly cpuNs: bigint
  /** It sleeps until something happens that it asked for. A process that waits for its memory or was stopped does not. */
  readonly asleep: boolean
}

/** What a process does now; undefined when it has ended. */
export function sightOf(pid: number): ProcessSight | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat.charAt(stat.lastIndexOf(')') + 2) // its name before may hold anything
    const cpuNs = processCpuNanoseconds(pid)
    return cpuNs === undefined || state === 'Z' || state === 'X' ? undefined : { cpuNs, asleep: state === 'S' }
  } catch {
    return undefined
  }
}
