import type { Logger } from 'pino'
import {
  type Service,
  ServiceState,
  type SupervisorServiceServer,
  SupervisorServiceService,
} from '../../gen/proto/openracing/v1/supervisor.ts'
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

/** SupervisorService over the services of this rig. */
export function supervisorService(
  { services, restart }: Pick<Supervisor, 'services' | 'restart'>,
  log: Logger,
): ServiceBinding {
  const implementation: SupervisorServiceServer = {
    listServices: unary(() => ({ services: services().map(toMessage) }), log),
    restartService: unary(({ name }) => {
      return { service: toMessage(restart(name)) }
    }, log),
  }
  return bind(SupervisorServiceService, implementation)
}
