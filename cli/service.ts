import { Command } from 'commander'
import {
  type ListServicesResponse,
  type RestartServiceResponse,
  type Service,
  SupervisorServiceClient,
} from '../gen/proto/openracing/v1/supervisor.ts'
import { call, within } from '../rpc/client.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { wordedService } from './worded.ts'
import { serviceStateWord } from './words.ts'

interface Options {
  readonly json?: boolean
}

const rowOf = ({ name, state, pid, restarts, lastExit, degraded }: Service): readonly string[] => [
  name,
  serviceStateWord(state),
  `${pid}`,
  `${restarts}`,
  degraded || lastExit,
]

const show = (services: readonly Service[]): string =>
  table([['NAME', 'STATE', 'PID', 'RESTARTS', 'LAST EXIT, AND WHAT IT MEANS'], ...services.map(rowOf)])

async function list(options: Options, command: Command): Promise<void> {
  const { services } = await withClient(command, SupervisorServiceClient, (client) =>
    call<ListServicesResponse>((done) => client.listServices({}, ...within(answerMs), done)),
  )
  process.stdout.write(options.json ? json(services.map(wordedService)) : show(services))
}

async function restart(name: string, options: Options, command: Command): Promise<void> {
  const { service } = await withClient(command, SupervisorServiceClient, (client) =>
    call<RestartServiceResponse>((done) => client.restartService({ name }, ...within(answerMs), done)),
  )
  process.stdout.write(
    options.json ? json(service && wordedService(service)) : show(service === undefined ? [] : [service]),
  )
}

/** `wheelctl service …` */
export const serviceCommand = (): Command =>
  new Command('service')
    .description('the services of the rig')
    .addCommand(
      new Command('list').description('every service and how it fares').option('--json', 'for programs').action(list),
    )
    .addCommand(
      new Command('restart')
        .description('start a service now that was given up, or waits; one that runs is ended first')
        .argument('<name>', 'trust, wasm-runner or dsp-helper')
        .option('--json', 'for programs')
        .action(restart),
    )
