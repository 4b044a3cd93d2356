import { Command } from 'commander'
import { type ListPluginsResponse, PluginServiceClient } from '../gen/proto/openracing/v1/plugin.ts'
import { call, within } from '../rpc/client.ts'
import { distributionOf, emptyHistogram } from './distribution.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { pluginClassWord, pluginStateWord } from './words.ts'

const heading = [
  'NAME',
  'CLASS',
  'VERSION',
  'STATE',
  'RATE',
  'EXECUTIONS',
  'CPU P50',
  'CPU P99',
  'VIOLATIONS',
  'DETAIL',
]

async function list(options: { readonly json?: boolean }, command: Command): Promise<void> {
  const { plugins } = await withClient(command, PluginServiceClient, (client) =>
    call<ListPluginsResponse>((done) => client.listPlugins({}, ...within(answerMs), done)),
  )
  const rows = plugins.map((plugin) => {
    const { p50, p99 } = distributionOf(plugin.statistics?.cpu ?? emptyHistogram)
    const { executions = 0n, budgetViolations = 0n } = plugin.statistics ?? {}
    return [
      plugin.name || plugin.directory,
      pluginClassWord(plugin),
      plugin.version,
      pluginStateWord(plugin),
      `${plugin.updateRateHz} Hz`,
      `${executions}`,
      `${p50.toFixed(1)} µs`,
      `${p99.toFixed(1)} µs`,
      `${budgetViolations}`,
      plugin.detail,
    ]
  })
  process.stdout.write(options.json ? json(plugins) : table([heading, ...rows]))
}

/** `wheelctl plugin …` */
export const pluginCommand = (): Command =>
  new Command('plugin')
    .description('the plugins of the rig')
    .addCommand(new Command('list').description('every installed plugin').option('--json', 'for programs').action(list))
