import { Command } from 'commander'
import { type ListServicesResponse, SupervisorServiceClient } from '../gen/proto/openracing/v1/supervisor.ts'
import { call, within } from '../rpc/client.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { serviceStateWord } from './words.ts'

async function list(options: { readonly json?: boolean }, command: Command): Promise<void> {
  const { services } = await withClient(command, SupervisorServiceClient, (client) =>
    call<ListServicesResponse>((done) => client.listServices({}, ...within(answerMs), done)),
  )
  const rows = services.map(({ name, state, pid, restarts, lastExit }) => [
    name,
    serviceStateWord(state),
    `${pid}`,
    `${restarts}`,
    lastExit,
  ])
  process.stdout.write(
    options.json ? json(services) : table([['NAME', 'STATE', 'PID', 'RESTARTS', 'LAST EXIT'], ...rows]),
  )
}

/** `wheelctl service …` */
export const serviceCommand = (): Command =>
  new Command('service')
    .description('the services of the rig')
    .addCommand(
      new Command('list').description('every service and how it fares').option('--json', 'for programs').action(list),
    )
