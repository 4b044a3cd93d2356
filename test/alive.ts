import { readFileSync } from 'node:fs'

/** True while a process runs. A zombie counts as gone: it waits for whoever inherited it to ask how it ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
