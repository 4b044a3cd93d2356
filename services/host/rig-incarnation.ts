import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../../rpc/home.ts'

/**
 * Names the shared memory of a loop from its making to its end, empty while there is none. Its counters, and the numbers
 * of lives in it, begin anew with the next one: those of yesterday are not to be taken for those of today.
 */
export function incarnationOf({ shmDir }: Pick<Home, 'shmDir'>): string {
  const file = statSync(join(shmDir, 'rig'), { bigint: true, throwIfNoEntry: false })
  if (file === undefined) return ''
  // An older kernel knows no time of birth here, and says 0; the number alone is used again after a start of the machine.
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}.${file.ino}.${file.birthtimeNs}`
}
