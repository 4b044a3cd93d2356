import { Command, Option } from 'commander'
import {
  type GetPluginStatisticsResponse,
  type ListPluginHistoryResponse,
  PluginHistoryServiceClient,
  type PluginSample,
} from '../gen/proto/openracing/v1/history.ts'
import {
  type GetPluginResponse,
  type ListPluginsResponse,
  type Plugin,
  PluginServiceClient,
} from '../gen/proto/openracing/v1/plugin.ts'
import { call, within } from '../rpc/client.ts'
import { pluginClassWord, pluginStateWord, violationWord } from '../rpc/words.ts'
import { answerMs, withClient } from './endpoint.ts'
import { callCells, statisticsOf, warnOf } from './plugin-stats.ts'
import { json } from './table.ts'
import { wordedPlugin } from './worded.ts'

const dayMs = 86_400_000
const pageSize = 1000

interface PluginReport {
  readonly plugin: Plugin
  readonly statistics: GetPluginStatisticsResponse
  /** Of the last day, oldest first. */
  readonly history: readonly PluginSample[]
}

async function pluginsOf(client: PluginServiceClient, id: string | undefined): Promise<readonly Plugin[]> {
  if (id === undefined) {
    return (await call<ListPluginsResponse>((done) => client.listPlugins({}, ...within(answerMs), done))).plugins
  }
  const { plugin } = await call<GetPluginResponse>((done) =>
    client.getPlugin({ plugin: id }, ...within(answerMs), done),
  )
  return plugin === undefined ? [] : [plugin]
}

async function samplesOf(client: PluginHistoryServiceClient, plugin: string): Promise<readonly PluginSample[]> {
  const samples: PluginSample[] = []
  const time = { fromUnixMs: BigInt(Date.now() - dayMs), toUnixMs: 0n }
  for (let pageToken = ''; ; ) {
    const request = { plugin, ...time, pageSize, pageToken }
    const page = await call<ListPluginHistoryResponse>((done) =>
      client.listPluginHistory(request, ...within(answerMs), done),
    )
    samples.push(...page.samples)
    pageToken = page.nextPageToken
    if (pageToken === '') return samples
  }
}

async function reportOf(client: PluginHistoryServiceClient, plugin: Plugin): Promise<PluginReport> {
  const { directory } = plugin
  const statistics = await statisticsOf(client, directory)
  // Without its file there is no history, and the rest is worth reading.
  const history = statistics.warning === '' ? await samplesOf(client, directory) : []
  return { plugin, statistics, history }
}

/** A cell of a table; what a plugin says of itself is in it, and must not end it. */
const cell = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()
const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
const markdownTable = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n')

const callsTable = (answer: GetPluginStatisticsResponse): string =>
  markdownTable(['', 'total', 'last hour', 'last day'], callCells(answer))

function describePlugin({ plugin, statistics, history }: PluginReport): string {
  const { budgetViolations = 0n, missedDeadlines = 0n, restarts = 0 } = plugin.statistics ?? {}
  const state = [pluginClassWord(plugin), plugin.version, pluginStateWord(plugin)]
    .filter((word) => word !== '')
    .join(', ')
  const violations = plugin.violations.map(({ kind, count, detail }) => [violationWord(kind), `${count}`, detail])
  const active = history.filter(({ calls }) => (calls?.executions ?? 0n) > 0n)
  return [
    `## ${cell(plugin.name || plugin.directory)}`,
    `${cell(state)}${plugin.detail === '' ? '' : `: ${cell(plugin.detail)}`}`,
    callsTable(statistics),
    `Since it was loaded: ${budgetViolations} calls over budget, ${missedDeadlines} deadlines missed, ${restarts} restarts. Calls were made in ${active.length} samples of the last day.`,
    ...(violations.length === 0 ? [] : [markdownTable(['violation', 'count', 'newest'], violations)]),
  ].join('\n\n')
}

interface ReportOptions {
  readonly json?: boolean
  readonly format: 'markdown' | 'json'
}

async function report(id: string | undefined, options: ReportOptions, command: Command): Promise<void> {
  const plugins = await withClient(command, PluginServiceClient, (client) => pluginsOf(client, id))
  const reports = await withClient(command, PluginHistoryServiceClient, async (client) => {
    const made: PluginReport[] = []
    for (const plugin of plugins) made.push(await reportOf(client, plugin))
    return made
  })
  const [first] = reports
  if (first !== undefined) warnOf(first.statistics)
  if (options.json || options.format === 'json') {
    const worded = reports.map((each) => ({ ...each, plugin: wordedPlugin(each.plugin) }))
    process.stdout.write(id === undefined ? json(worded) : json(worded[0]))
    return
  }
  const parts = [`# Plugins at ${new Date().toISOString()}`, ...reports.map(describePlugin)]
  process.stdout.write(`${parts.join('\n\n')}\n`)
}

/** `wheelctl plugin report` */
export const reportCommand = (): Command =>
  new Command('report')
    .description('what a plugin, or every one, did and cost: its calls, its violations, and its last day')
    .argument('[plugin]', 'its id, or the name of its directory')
    .addOption(new Option('--format <format>', 'how it is written').choices(['markdown', 'json']).default('markdown'))
    .option('--json', 'as --format json')
    .action(report)
