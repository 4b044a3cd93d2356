import { Command } from 'commander'
import {
  type CallStatistics,
  type GetPluginStatisticsResponse,
  PluginHistoryServiceClient,
} from '../gen/proto/openracing/v1/history.ts'
import { call, within } from '../rpc/client.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'

const us = (value = 0): string => `${value.toFixed(1)} µs`

/** A share as a person reads it; nothing of nothing is no share. */
const percent = ({ executions, successRate }: CallStatistics): string =>
  executions === 0n ? '-' : `${(Math.floor(successRate * 10_000) / 100).toFixed(2)} %`

/** When the newest call was. */
const lastCall = ({ lastTimeUnixMs }: CallStatistics): string =>
  lastTimeUnixMs === 0n ? 'never' : new Date(Number(lastTimeUnixMs)).toISOString()

/** What a person asks about calls, each with its name. */
const callRows: readonly (readonly [string, (calls: CallStatistics) => string])[] = [
  ['executions', ({ executions }) => `${executions}`],
  ['failures', ({ failures }) => `${failures}`],
  ['success rate', percent],
  ['CPU time mean', ({ meanUs }) => us(meanUs)],
  ['CPU time p50', ({ p50Us }) => us(p50Us)],
  ['CPU time p99', ({ p99Us }) => us(p99Us)],
  ['CPU time max', ({ maxUs }) => us(maxUs)],
  ['last execution', lastCall],
]

/** Asks what the calls of a plugin came to. */
export const statisticsOf = (
  client: PluginHistoryServiceClient,
  plugin: string,
): Promise<GetPluginStatisticsResponse> =>
  call((done) => client.getPluginStatistics({ plugin }, ...within(answerMs), done))

/** Tells on stderr why the history is not all there, where it is not. */
export function warnOf({ warning }: Pick<GetPluginStatisticsResponse, 'warning'>): void {
  if (warning !== '') process.stderr.write(`the history of the plugins is not on the disk: ${warning}\n`)
}

/** A row for each: its name, and what it is in total, in the last hour and in the last day. */
export function callCells({ total, lastHour, lastDay }: GetPluginStatisticsResponse): readonly (readonly string[])[] {
  const columns = [total, lastHour, lastDay].flatMap((calls) => calls ?? [])
  return callRows.map(([name, of]) => [name, ...columns.map(of)])
}

const describe = (answer: GetPluginStatisticsResponse): string =>
  table([['', 'TOTAL', 'LAST HOUR', 'LAST DAY'], ...callCells(answer)])

async function stats(plugin: string, options: { readonly json?: boolean }, command: Command): Promise<void> {
  const answer = await withClient(command, PluginHistoryServiceClient, (client) => statisticsOf(client, plugin))
  warnOf(answer)
  process.stdout.write(options.json ? json(answer) : describe(answer))
}

/** `wheelctl plugin stats` */
export const statsCommand = (): Command =>
  new Command('stats')
    .description('what the calls of a plugin came to, over all its lives and lately')
    .argument('<plugin>', 'its id, its directory or its name')
    .option('--json', 'for programs')
    .action(stats)
