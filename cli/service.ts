import { Argument, Command } from 'commander'
import { LogLevel } from '../gen/proto/openracing/v1/log.ts'
import {
  type ListServicesResponse,
  type RestartServiceResponse,
  type Service,
  type SetLogLevelResponse,
  SupervisorServiceClient,
} from '../gen/proto/openracing/v1/supervisor.ts'
import { call, within } from '../rpc/client.ts'
import { logLevelOf, logLevelWord, logLevelWords, serviceStateWord } from '../rpc/words.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { wordedService } from './worded.ts'

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

async function setLogLevel(name: string, word: string, options: Options, command: Command): Promise<void> {
  const { previous } = await withClient(command, SupervisorServiceClient, (client) =>
    call<SetLogLevelResponse>((done) =>
      client.setLogLevel(
        { name, level: logLevelOf(word) ?? LogLevel.LOG_LEVEL_UNSPECIFIED },
        ...within(answerMs),
        done,
      ),
    ),
  )
  const before = logLevelWord(previous)
  process.stdout.write(
    options.json ? json({ name, level: word, previous: before }) : `${name}: ${word} (was ${before})\n`,
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
    .addCommand(
      new Command('log-level')
        .description('how much a process logs, until it ends')
        .argument('<name>', 'host, trust, wasm-runner or dsp-helper')
        .addArgument(new Argument('<level>', 'everything of this level and above').choices(logLevelWords))
        .option('--json', 'for programs')
        .action(setLogLevel),
    )
