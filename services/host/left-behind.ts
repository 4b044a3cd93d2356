import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Home } from '../../rpc/home.ts'
import { readDataPlaneProcesses } from '../../shm/data-plane-processes.ts'
import { type FoundProcess, findProcesses, followProcess } from '../../supervision/found-process.ts'

/** How long the loop may take to fade torque out and end, ms. The fade is 50 ms. */
const graceMs = 1000

const exited = (processes: readonly FoundProcess[]): Promise<unknown> => Promise.all(processes.map((it) => it.exited))

/**
 * Ends what runs of the rig's data plane when its dsp-helper was dead or stuck and could not: the loop, which fades
 * torque out when it is asked, and then the plugins. Resolves when they are gone.
 */
export async function endLeftBehind({ shmDir }: Home, log: Logger): Promise<void> {
  const known = readDataPlaneProcesses(shmDir) // now: the loop may take it along
  const named = known.flatMap((process) => followProcess(process) ?? [])
  const loops = findProcesses('wheel-rt', (argument) => argument === shmDir)
  for (const { pid, send } of loops) {
    log.warn({ pid }, 'the loop was left behind; ending it')
    send('SIGTERM')
  }
  const over = new AbortController()
  const late = delay(graceMs, undefined, { signal: over.signal }).catch(() => undefined)
  await Promise.race([exited(loops), late]).finally(() => over.abort())
  const rest = [
    ...loops,
    ...named,
    ...findProcesses('wheel-dsp', (argument) => argument.startsWith(`${shmDir}/plugin-`)),
  ]
  for (const { send } of rest) send('SIGKILL')
  await exited(rest)
}
