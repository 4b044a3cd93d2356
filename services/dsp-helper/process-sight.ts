import { readFileSync } from 'node:fs'
import { processCpuNanoseconds } from '../../shm/clock.ts'

/** A process at one moment. */
export interface ProcessSight {
  readonly cpuNs: bigint
  /** It runs, or waits for nothing but a processor. */
  readonly runnable: boolean
}

/** What a process does now; undefined when it has ended. */
export function sightOf(pid: number): ProcessSight | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat.charAt(stat.lastIndexOf(')') + 2) // its name before may hold anything
    const cpuNs = processCpuNanoseconds(pid)
    return cpuNs === undefined || state === 'Z' || state === 'X' ? undefined : { cpuNs, runnable: state === 'R' }
  } catch {
    return undefined
  }
}
