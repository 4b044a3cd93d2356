import type { Logger } from 'pino'
import { LogServiceClient, type SetOwnLogLevelResponse } from '../../gen/proto/openracing/v1/log.ts'
import {
  type Service,
  ServiceState,
  type SetLogLevelRequest,
  type SetLogLevelResponse,
  type SupervisorServiceServer,
  SupervisorServiceService,
} from '../../gen/proto/openracing/v1/supervisor.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { invalidField } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { takeLogLevel } from '../../rpc/log-service.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import type { RestartState } from '../../supervision/restart.ts'
import { degradedBy, type ServiceStatus } from './degraded.ts'
import type { Supervisor } from './supervisor.ts'

const stateOf: Readonly<Record<RestartState['kind'], ServiceState>> = {
  stopped: ServiceState.SERVICE_STATE_STOPPED,
  starting: ServiceState.SERVICE_STATE_STARTING,
  running: ServiceState.SERVICE_STATE_RUNNING,
  waiting: ServiceState.SERVICE_STATE_WAITING,
  failed: ServiceState.SERVICE_STATE_FAILED,
}

const toMessage = (status: ServiceStatus): Service => ({
  name: status.name,
  state: stateOf[status.state.kind],
  restarts: status.state.restarts,
  pid: status.pid,
  lastExit: status.lastExit,
  degraded: degradedBy(status, performance.now()),
})

export interface SupervisorServiceNeeds {
  readonly supervisor: Pick<Supervisor, 'services' | 'restart'>
  readonly home: Pick<Home, 'socket'>
  readonly log: Logger
}

/** How long a service may take to change how much it logs, ms. */
const logLevelMs = 2000

/** SupervisorService over the services of this rig. */
export function supervisorService({ supervisor, home, log }: SupervisorServiceNeeds): ServiceBinding {
  const { services, restart } = supervisor

  async function setLogLevel({ name, level }: SetLogLevelRequest): Promise<SetLogLevelResponse> {
    if (name === 'host') return { previous: takeLogLevel(log, level) }
    const names = services().map((service) => service.name)
    if (!names.includes(name)) {
      throw invalidField('name', `is ${JSON.stringify(name.slice(0, 60))}; there are host, ${names.join(', ')}`)
    }
    const client = connect(LogServiceClient, `unix:${home.socket(name)}`)
    try {
      return await call<SetOwnLogLevelResponse>((done) => client.setOwnLogLevel({ level }, ...within(logLevelMs), done))
    } finally {
      client.close()
    }
  }

  const implementation: SupervisorServiceServer = {
    listServices: unary(() => ({ services: services().map(toMessage) }), log),
    restartService: unary(({ name }) => ({ service: toMessage(restart(name)) }), log),
    setLogLevel: unary(setLogLevel, log),
  }
  return bind(SupervisorServiceService, implementation)
}
