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
import type { ServiceStatus } from './supervisor.ts'

const stateOf: Readonly<Record<RestartState['kind'], ServiceState>> = {
  stopped: ServiceState.SERVICE_STATE_STOPPED,
  starting: ServiceState.SERVICE_STATE_STARTING,
  running: ServiceState.SERVICE_STATE_RUNNING,
  waiting: ServiceState.SERVICE_STATE_WAITING,
}

const toMessage = ({ name, state, pid, lastExit }: ServiceStatus): Service => ({
  name,
  state: stateOf[state.kind],
  restarts: state.restarts,
  pid,
  lastExit,
})

/** SupervisorService over the services of this rig. */
export function supervisorService(services: () => readonly ServiceStatus[], log: Logger): ServiceBinding {
  const implementation: SupervisorServiceServer = {
    listServices: unary(() => ({ services: services().map(toMessage) }), log),
  }
  return bind(SupervisorServiceService, implementation)
}
