import { Command, InvalidArgumentError } from 'commander'
import {
  type Chain,
  type ChainLink,
  ChainServiceClient,
  type ListChainResponse,
  type MoveInChainRequest,
  type MoveInChainResponse,
  type ReloadInChainResponse,
  type RemoveFromChainResponse,
  type SetChainOrderResponse,
} from '../gen/proto/openracing/v1/chain.ts'
import { call, within } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import { pluginStateWord } from '../rpc/words.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { wordedChain } from './worded.ts'

/** How long a command waits for a chain that changes, ms: a plugin that is started may take 5 s in create(). */
const changeMs = 25_000

interface Options {
  readonly json?: boolean
}

function rowOf(link: ChainLink): readonly string[] {
  const position = link.position === 0 ? '-' : `${link.position}`
  return [position, link.name || link.directory, link.directory, pluginStateWord(link), link.detail]
}

function show(chain: Chain | undefined, options: Options): void {
  const all = [...(chain?.links ?? []), ...(chain?.removed ?? [])]
  const rows = [['POSITION', 'NAME', 'DIRECTORY', 'STATE', 'DETAIL'], ...all.map(rowOf)]
  process.stdout.write(options.json ? json(chain && wordedChain(chain)) : table(rows))
}

async function list(options: Options, command: Command): Promise<void> {
  const { chain } = await withClient(command, ChainServiceClient, (client) =>
    call<ListChainResponse>((done) => client.listChain({}, ...within(answerMs), done)),
  )
  show(chain, options)
}

async function set(plugins: readonly string[], options: Options, command: Command): Promise<void> {
  const { chain } = await withClient(command, ChainServiceClient, (client) =>
    call<SetChainOrderResponse>((done) => client.setChainOrder({ plugins }, ...within(changeMs), done)),
  )
  show(chain, options)
}

interface MoveOptions extends Options {
  readonly to?: number
  readonly before?: string
  readonly after?: string
}

function placeOf({ to, before, after }: MoveOptions): MoveInChainRequest['place'] {
  const places = [
    to === undefined ? [] : [{ $case: 'position' as const, value: to }],
    before === undefined ? [] : [{ $case: 'before' as const, value: before }],
    after === undefined ? [] : [{ $case: 'after' as const, value: after }],
  ].flat()
  const [place, ...others] = places
  if (place !== undefined && others.length === 0) return place
  throw new RigError('REQUEST_INVALID', `${places.length} places are given; write one of --to, --before and --after`)
}

function parsePosition(text: string): number {
  const position = Number(text)
  if (Number.isInteger(position) && position >= 1 && position <= 2 ** 31) return position
  throw new InvalidArgumentError('it must be a whole number from 1.')
}

async function move(plugin: string, options: MoveOptions, command: Command): Promise<void> {
  const place = placeOf(options)
  const { chain } = await withClient(command, ChainServiceClient, (client) =>
    call<MoveInChainResponse>((done) => client.moveInChain({ plugin, place }, ...within(changeMs), done)),
  )
  show(chain, options)
}

async function remove(plugin: string, options: Options, command: Command): Promise<void> {
  const { chain } = await withClient(command, ChainServiceClient, (client) =>
    call<RemoveFromChainResponse>((done) => client.removeFromChain({ plugin }, ...within(changeMs), done)),
  )
  show(chain, options)
}

async function reload(plugin: string, options: Options, command: Command): Promise<void> {
  const { chain, changed } = await withClient(command, ChainServiceClient, (client) =>
    call<ReloadInChainResponse>((done) => client.reloadInChain({ plugin }, ...within(changeMs), done)),
  )
  if (!changed) process.stderr.write(`${plugin}: nothing new; what runs goes on\n`)
  show(chain, options)
}

const subcommand = (name: string, description: string): Command =>
  new Command(name).description(description).option('--json', 'for programs')

const named = 'by name, directory or id'

/** `wheelctl chain …` */
export const chainCommand = (): Command =>
  new Command('chain')
    .description('the Fast plugins that torque passes through, and their order')
    .addCommand(subcommand('list', 'the chain, and what was removed from it').action(list))
    .addCommand(
      subcommand('set', 'make these the whole chain, in this order; the others are removed')
        .argument('<plugin...>', named)
        .action(set),
    )
    .addCommand(
      subcommand('move', 'move a plugin to another place')
        .argument('<plugin>', named)
        .option('--to <position>', 'from 1', parsePosition)
        .option('--before <plugin>', 'in front of this one')
        .option('--after <plugin>', 'behind this one')
        .action(move),
    )
    .addCommand(
      subcommand('remove', 'take a plugin out, until it is set again').argument('<plugin>', named).action(remove),
    )
    .addCommand(
      subcommand('reload', 'read manifest, config.json and library again, verify them, and run what is new')
        .argument('<plugin>', named)
        .action(reload),
    )
