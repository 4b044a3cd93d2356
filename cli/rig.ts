import { Command } from 'commander'
import { type Chain, ChainServiceClient, type ListChainResponse } from '../gen/proto/openracing/v1/chain.ts'
import { type GetRigResponse, type Rig, RigServiceClient } from '../gen/proto/openracing/v1/rig.ts'
import { call, within } from '../rpc/client.ts'
import { findHome } from '../rpc/home.ts'
import { answerMs, withClient } from './endpoint.ts'
import { clearRig, stopRig } from './estop.ts'
import { describeRig } from './rig-status.ts'
import { parseInterval, watchRig } from './rig-watch.ts'
import { json, table } from './table.ts'
import { wordedChain, wordedRig } from './worded.ts'

interface StatusOptions {
  readonly json?: boolean
  readonly watch?: boolean
  readonly interval: number
}

async function status(options: StatusOptions, command: Command): Promise<void> {
  if (options.watch) return watchRig(options, command)
  const { rig } = await withClient(command, RigServiceClient, (client) =>
    call<GetRigResponse>((done) => client.getRig({}, ...within(answerMs), done)),
  )
  const { chain } = await withClient(command, ChainServiceClient, (client) =>
    call<ListChainResponse>((done) => client.listChain({}, ...within(answerMs), done)),
  )
  const shown = { ...(rig as Rig), chain: chain as Chain }
  process.stdout.write(
    options.json ? json({ ...wordedRig(shown), chain: wordedChain(shown.chain) }) : table(describeRig(shown)),
  )
}

/** `wheelctl rig …` */
export const rigCommand = (): Command =>
  new Command('rig')
    .description('the 1 kHz loop and the wheel')
    .addCommand(
      new Command('status')
        .description('the rig now: loop, torque, limits, emergency stop, chain')
        .option('--json', 'for programs')
        .option('--watch', 'what the loop did, interval by interval, until Ctrl-C')
        .option('--interval <ms>', 'length of an interval, 10 to 10000', parseInterval, 1000)
        .action(status),
    )
    .addCommand(
      new Command('estop')
        .description('torque to zero at once, until it is cleared; works without a host, too')
        .option('--reason <text>', 'for whoever finds the rig stopped', '')
        .action(stopRig),
    )
    .addCommand(new Command('clear').description('clear the emergency stop: torque ramps up again').action(clearRig))
    .addCommand(
      new Command('memory')
        .description("the directory of the rig's shared memory, for programs that open its rings")
        .action(() => void process.stdout.write(`${findHome(process.env).shmDir}\n`)),
    )
