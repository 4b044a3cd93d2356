import { Command } from 'commander'
import {
  type ListQuarantinedResponse,
  type PluginConduct,
  QuarantineServiceClient,
  type ReleasePluginResponse,
  type ViolationCounts,
} from '../gen/proto/openracing/v1/quarantine.ts'
import { call, within } from '../rpc/client.ts'
import { standingWord } from '../rpc/words.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { wordedConduct } from './worded.ts'

interface ListOptions {
  readonly all?: boolean
  readonly json?: boolean
}

const time = (unixMs: bigint): string => new Date(Number(unixMs)).toISOString()

function describe({ crash, capability, timeout, budget }: ViolationCounts): string {
  const some = Object.entries({ crash, capability, timeout, budget }).filter(([, count]) => count > 0n)
  return some.map(([kind, count]) => `${kind} ${count}`).join(', ')
}

function reasonOf({ quarantine, counted, halvings }: PluginConduct): string {
  if (quarantine !== undefined) return quarantine.reason
  const rate = halvings > 0 ? [`rate halved ${halvings === 1 ? 'once' : `${halvings} times`}`] : []
  return [...rate, counted === undefined ? '' : describe(counted)].filter((text) => text !== '').join('; ')
}

const rowOf = (conduct: PluginConduct): readonly string[] => [
  conduct.name || conduct.directory || '-',
  conduct.id,
  standingWord(conduct.standing),
  `${conduct.level}`,
  conduct.quarantine === undefined ? '-' : time(conduct.quarantine.untilUnixMs),
  reasonOf(conduct),
]

async function list(options: ListOptions, command: Command): Promise<void> {
  const request = { includeFree: options.all === true }
  const { plugins } = await withClient(command, QuarantineServiceClient, (client) =>
    call<ListQuarantinedResponse>((done) => client.listQuarantined(request, ...within(answerMs), done)),
  )
  const rows = [['NAME', 'ID', 'STANDING', 'LEVEL', 'UNTIL', 'REASON'], ...plugins.map(rowOf)]
  process.stdout.write(options.json ? json(plugins.map(wordedConduct)) : table(rows))
}

interface ReleaseOptions {
  readonly reason: string
  readonly json?: boolean
}

async function release(plugin: string, options: ReleaseOptions, command: Command): Promise<void> {
  const request = { plugin, reason: options.reason }
  const answer = await withClient(command, QuarantineServiceClient, (client) =>
    call<ReleasePluginResponse>((done) => client.releasePlugin(request, ...within(answerMs), done)),
  )
  const { released, conduct } = answer
  const told = released ? `released; its level stays ${conduct?.level}` : 'there was nothing to release it from'
  process.stdout.write(
    options.json
      ? json({ released, conduct: conduct && wordedConduct(conduct) })
      : `${conduct?.name || plugin}: ${told}\n`,
  )
}

/** `wheelctl plugin quarantine …` */
export const quarantineCommand = (): Command =>
  new Command('quarantine')
    .description('plugins that are kept from running for what they did')
    .addCommand(
      new Command('list')
        .description('which, until when, and for what')
        .option('--all', 'also those that run, with what counts against them')
        .option('--json', 'for programs')
        .action(list),
    )

/** `wheelctl plugin release` */
export const releaseCommand = (): Command =>
  new Command('release')
    .description('lets a plugin out of quarantine, and forgets what was counted; its level stays')
    .argument('<plugin>', 'by name, directory or id')
    .option('--reason <text>', 'why, for the audit log', '')
    .option('--json', 'for programs')
    .action(release)
