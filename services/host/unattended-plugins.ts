import { disownPlugins } from '../../shm/data-plane-processes.ts'
import { followProcess } from '../../supervision/found-process.ts'

/**
 * Ends the processes of these Fast plugins while no dsp-helper is there to do it, and has the next one not take them over:
 * the loop passes frames by a plugin whose process is gone. Resolves when they are gone; nothing where they are none of
 * this machine's processes.
 */
export async function endUnattended(shmDir: string, ids: readonly string[]): Promise<void> {
  const found = disownPlugins(shmDir, ids).flatMap((process) => followProcess(process) ?? [])
  for (const { send } of found) send('SIGKILL')
  await Promise.all(found.map(({ exited }) => exited))
}
