import type { Logger } from 'pino'
import { addon } from '../native/addon.ts'

/** What the program is told that started us and watches us, where it is systemd (sd_notify(3)); else nobody is told. */
export interface ServiceManager {
  /** We serve. */
  ready(status: string): void
  /** We are about to end. */
  stopping(): void
  /** Tells no more. May be called twice. */
  close(): void
}

/** Microseconds within which we have to be heard; 0: nobody waits for it. Meant for another process where WATCHDOG_PID says so. */
function watchdogUs({ WATCHDOG_USEC: text = '', WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number {
  const isOurs = pid === undefined || pid === `${process.pid}`
  return isOurs && /^[1-9]\d{0,11}$/.test(text) ? Number(text) : 0
}

export function openServiceManager(environment: NodeJS.ProcessEnv, log: Pick<Logger, 'warn'>): ServiceManager {
  const { NOTIFY_SOCKET: socket } = environment
  let complained = false
  function tell(text: string): void {
    if (socket === undefined || socket === '') return
    try {
      addon.datagram(socket, Buffer.from(text))
    } catch (cause) {
      if (!complained) log.warn({ err: cause }, 'the service manager does not listen')
      complained = true
    }
  }
  // Twice as often as it has to be: one that comes late is no reason to be killed.
  const us = watchdogUs(environment)
  const alive = us === 0 ? undefined : setInterval(() => tell('WATCHDOG=1'), us / 2000)
  alive?.unref()
  return {
    ready: (status) => tell(`READY=1\nSTATUS=${status}`),
    stopping: () => tell('STOPPING=1'),
    close: () => clearInterval(alive),
  }
}
