import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import { removeDeadSocket } from '../../rpc/serve.ts'
import { type Kept, keepRunning } from '../../supervision/keep-running.ts'
import { type RestartPolicy, type RestartState, stopped } from '../../supervision/restart.ts'
import type { Care } from './care.ts'
import { degradedBy, type ServiceStatus } from './degraded.ts'
import { type HealthProbe, openHealthProbe } from './health-probe.ts'
import { type ServiceProcess, type ServiceProgram, startServiceProcess } from './service-process.ts'

/** One service of this rig. */
export interface ServiceSpec {
  readonly name: string
  readonly program: ServiceProgram
  /** Path of its Unix socket. */
  readonly socket: string
  /** How it is started again, where that is not as the care has it. */
  readonly restart?: RestartPolicy
}

/** Runs services and starts again what ends. */
export interface Supervisor {
  /** Starts every service at once. */
  start(): void
  services(): readonly ServiceStatus[]
  isServing(name: string): boolean
  /**
   * Starts a service now that waits, or was given up, and forgets how often it was lost; one that runs is ended first.
   * Throws REQUEST_INVALID for a name that none has.
   */
  restart(name: string): ServiceStatus
  /** Resolves when a service of this name becomes SERVING the next time. */
  servingAgain(name: string): Promise<void>
  /** Resolves when each service is SERVING or was lost once, after start(). */
  readonly settled: Promise<void>
  /** Ends the services one after the other, the last first; resolves when they are gone. May be called twice. */
  close(): Promise<void>
}

export interface SupervisorNeeds {
  /** In the order in which they depend on each other. They start all at once. */
  readonly services: readonly ServiceSpec[]
  readonly care: Care
  /** Called each time a service has become SERVING, also after a restart. */
  readonly serving: (name: string) => void
  /** Called each time a service that was SERVING is not any more. */
  readonly lost?: (name: string) => void
  /** Called each time the process of a service has ended and nobody had asked for it, before another one is started. */
  readonly died?: (name: string) => void
  readonly log: Logger
}

interface Supervised {
  start(): void
  restart(): void
  status(): ServiceStatus
  readonly settled: Promise<void>
  close(): Promise<void>
}

/** Follows a service's health until `signal`. Returns why it has to be killed, or undefined when it need not. */
async function followHealth(
  probe: HealthProbe,
  care: Care,
  ready: () => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const startedMs = performance.now()
  while ((await probe.check(care.checkDeadlineMs, signal)) !== 'serving') {
    if (signal.aborted) return undefined
    if (performance.now() - startedMs > care.startDeadlineMs) return `was not SERVING after ${care.startDeadlineMs} ms`
    await delay(10) // it answers that it is not ready: no reason to ask it all the time
  }
  ready()
  // Answers that fail are counted, not time: a machine that slept, or a host that was stopped, is not the service's fault.
  for (let silences = 0; silences < care.silencesMax; ) {
    if (silences === 0) await delay(care.checkEveryMs, undefined, { signal }).catch(() => undefined)
    const health = await probe.check(care.checkDeadlineMs, signal)
    if (signal.aborted) return undefined
    silences = health === 'silent' ? silences + 1 : 0
  }
  return `did not answer ${care.silencesMax} health checks of ${care.checkDeadlineMs} ms`
}

function superviseService({ name, program, socket, restart: policy }: ServiceSpec, needs: SupervisorNeeds): Supervised {
  const { care } = needs
  const log = needs.log.child({ service: name })
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  let child: ServiceProcess | undefined
  let lastExit = ''
  const closing = new AbortController()
  let byHand = false

  /** Resolves with how the process ended: the first reason is the one that counts. */
  async function attend(process: ServiceProcess, ready: () => void): Promise<string> {
    const over = new AbortController()
    const exit = process.exited.finally(() => over.abort())
    const probe = openHealthProbe(socket)
    const complaint = await followHealth(probe, care, ready, AbortSignal.any([over.signal, closing.signal]))
    probe.close() // before it is asked to end: it would wait for its clients
    if (complaint !== undefined) {
      log.error({ pid: process.pid, complaint }, 'killing a service')
      process.kill()
    }
    const how = await exit
    return complaint ?? how
  }

  async function live(ready: () => void): Promise<'again' | 'excused' | 'enough'> {
    byHand = false
    try {
      child = await startServiceProcess(program, care.graceMs)
      log.debug({ pid: child.pid }, 'service started')
      if (closing.signal.aborted) await child.close()
      lastExit = await attend(child, ready)
    } catch (cause) {
      lastExit = `could not be started (${(cause as Error).message})`
    }
    child = undefined
    if (closing.signal.aborted) return 'enough'
    if (byHand) lastExit = 'was ended to be started again, as somebody asked'
    log.warn({ lastExit }, 'service lost')
    if (!byHand) needs.died?.(name)
    return byHand ? 'excused' : 'again'
  }

  function changed(state: RestartState, before: RestartState): void {
    if (state.kind === 'running' && before.kind !== 'running') {
      log.info({ pid: child?.pid }, 'service serving')
      needs.serving(name)
    }
    if (before.kind === 'running' && state.kind !== 'running') needs.lost?.(name)
    if (state.kind === 'failed') log.error({ degraded: degradedBy(status(), performance.now()) }, 'service given up')
    if (state.kind !== 'starting') settle()
  }

  let kept: Kept | undefined
  const status = (): ServiceStatus => ({ name, state: kept?.state() ?? stopped, pid: child?.pid ?? 0, lastExit })

  return {
    start() {
      if (!closing.signal.aborted) {
        kept ??= keepRunning(live, { policy: policy ?? care.restart, now: () => performance.now(), changed })
      }
    },
    restart() {
      kept?.again()
      byHand = child !== undefined
      void child?.close() // asked, not killed: what a plugin is in the middle of is not held against it
    },
    settled,
    status,
    async close() {
      closing.abort()
      const over = kept?.close()
      await child?.close()
      await over
      removeDeadSocket(socket) // one that was killed has left it
    },
  }
}

/** Nothing that a service does throws here. */
export function createSupervisor(needs: SupervisorNeeds): Supervisor {
  const awaited = new Map<string, PromiseWithResolvers<void>>()
  function serving(name: string): void {
    needs.serving(name)
    awaited.get(name)?.resolve()
    awaited.delete(name)
  }
  const supervised = needs.services.map((spec) => superviseService(spec, { ...needs, serving }))
  const services = (): readonly ServiceStatus[] => supervised.map((service) => service.status())

  function restart(name: string): ServiceStatus {
    const service = supervised.find((each) => each.status().name === name)
    if (service === undefined) {
      const names = needs.services.map((spec) => spec.name).join(', ')
      throw new RigError(
        'REQUEST_INVALID',
        `no service is called ${JSON.stringify(name.slice(0, 60))}; there are ${names}`,
      )
    }
    service.restart()
    return service.status()
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    for (const service of supervised.toReversed()) await service.close()
  }

  return {
    start: () => {
      for (const service of supervised) service.start()
    },
    services,
    restart,
    servingAgain(name) {
      const next = awaited.get(name) ?? Promise.withResolvers<void>()
      awaited.set(name, next)
      return next.promise
    },
    isServing: (name) => services().some((service) => service.name === name && service.state.kind === 'running'),
    settled: Promise.all(supervised.map((service) => service.settled)).then(() => undefined),
    close: () => (closing ??= close()),
  }
}
