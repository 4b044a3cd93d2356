import { Command } from 'commander'
import {
  type Confinement,
  type GetPluginResponse,
  type ListPluginsResponse,
  type Plugin,
  PluginServiceClient,
} from '../gen/proto/openracing/v1/plugin.ts'
import type { PluginFuel, Violation } from '../gen/proto/openracing/v1/statistics.ts'
import { call, within } from '../rpc/client.ts'
import { pluginClassWord, pluginStateWord, riskWord, violationWord } from '../rpc/words.ts'
import { distributionOf, emptyHistogram } from './distribution.ts'
import { answerMs, withClient } from './endpoint.ts'
import { executeCommand, processCommand } from './plugin-call.ts'
import { goalCommands } from './plugin-goal.ts'
import { installCommands } from './plugin-install.ts'
import { monitorCommand } from './plugin-monitor.ts'
import { newPluginCommand } from './plugin-new.ts'
import { quarantineCommand, releaseCommand } from './plugin-quarantine.ts'
import { reportCommand } from './plugin-report.ts'
import { signCommand } from './plugin-sign.ts'
import { statsCommand } from './plugin-stats.ts'
import { testPluginCommand } from './plugin-test.ts'
import { validateCommand } from './plugin-validate.ts'
import { verifyCommand } from './plugin-verify.ts'
import { json, table } from './table.ts'
import { wordedPlugin } from './worded.ts'

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
      plugin.updateRateHz === 0 ? 'on call' : `${plugin.updateRateHz} Hz`,
      `${executions}`,
      `${p50.toFixed(1)} µs`,
      `${p99.toFixed(1)} µs`,
      `${budgetViolations}`,
      plugin.detail,
    ]
  })
  process.stdout.write(options.json ? json(plugins.map(wordedPlugin)) : table([heading, ...rows]))
}

/** Newest first, as somebody who asks what is wrong wants them. */
function violationRows(violations: readonly Violation[]): readonly (readonly string[])[] {
  const newestFirst = violations.toSorted((a, b) => Number(b.lastTimeUnixUs - a.lastTimeUnixUs))
  return newestFirst.map(({ kind, count, lastTimeUnixUs, detail }) => [
    `violation: ${violationWord(kind)}`,
    `${count}, the newest at ${new Date(Number(lastTimeUnixUs / 1000n)).toISOString()}: ${detail}`,
  ])
}

/** What keeps the process of a plugin in, and what this kernel lacks for that. */
function describeConfinement({ landlock, seccomp }: Confinement): string {
  const lacking = [
    landlock ? [] : ['no landlock: files are within its reach'],
    seccomp ? [] : ['no seccomp: system calls are'],
  ]
  return lacking.flat().join('; ') || 'landlock and seccomp'
}

const describeFuel = ({ last, mean, most }: PluginFuel): string =>
  `last ${last}, mean ${mean.toFixed(0)}, most ${most} instructions a tick`

const grantRows = ({ grants }: Plugin): readonly (readonly string[])[] =>
  grants.map(({ capability, granted, reason, allows, risk }) => [
    granted ? 'granted' : 'not granted',
    `${capability} (${reason}, risk ${riskWord(risk)}): ${allows}`,
  ])

function describe(plugin: Plugin): readonly (readonly string[])[] {
  const { p50, p99, max } = distributionOf(plugin.statistics?.cpu ?? emptyHistogram)
  const {
    executions = 0n,
    failures = 0n,
    missedDeadlines = 0n,
    leftOut = 0n,
    restarts = 0,
    memory,
    fuel,
  } = plugin.statistics ?? {}
  const rows = [
    ['id', plugin.id],
    ['name', plugin.name],
    ['version', plugin.version],
    ['directory', plugin.directory],
    ['class', pluginClassWord(plugin)],
    ['state', pluginStateWord(plugin)],
    ['detail', plugin.detail],
    ['since', new Date(Number(plugin.stateSinceUnixMs)).toISOString()],
    ...grantRows(plugin),
    [
      'executions',
      `${executions}, ${failures} failed, ${missedDeadlines} deadlines missed${leftOut > 0n ? `, ${leftOut} of them for want of time in the tick` : ''}`,
    ],
    ['CPU time', `p50 ${p50.toFixed(1)} µs, p99 ${p99.toFixed(1)} µs, max ${max.toFixed(1)} µs`],
    ...(fuel === undefined ? [] : [['fuel', describeFuel(fuel)]]),
    ['restarts', `${restarts}`],
    ...(plugin.confinement === undefined ? [] : [['confined by', describeConfinement(plugin.confinement)]]),
  ]
  if (memory === undefined) return [...rows, ...violationRows(plugin.violations)]
  const { allocatedBytes, mostBytes, processAllocations } = memory
  return [
    ...rows,
    ['memory', `${allocatedBytes} bytes, at most ${mostBytes} bytes`],
    ['allocations in process()', `${processAllocations}`],
    ...violationRows(plugin.violations),
  ]
}

async function info(id: string, options: { readonly json?: boolean }, command: Command): Promise<void> {
  const { plugin } = await withClient(command, PluginServiceClient, (client) =>
    call<GetPluginResponse>((done) => client.getPlugin({ plugin: id }, ...within(answerMs), done)),
  )
  process.stdout.write(options.json ? json(plugin && wordedPlugin(plugin)) : table(describe(plugin as Plugin)))
}

/** `wheelctl plugin …` */
export function pluginCommand(): Command {
  const command = new Command('plugin')
    .description('the plugins of the rig')
    .addCommand(new Command('list').description('every installed plugin').option('--json', 'for programs').action(list))
    .addCommand(
      new Command('info')
        .alias('inspect')
        .description('one plugin, and what it did that it must not do')
        .argument('<plugin>', 'its id, or the name of its directory')
        .option('--json', 'for programs')
        .action(info),
    )
    .addCommand(statsCommand())
    .addCommand(reportCommand())
    .addCommand(monitorCommand())
    .addCommand(executeCommand())
    .addCommand(processCommand())
    .addCommand(newPluginCommand())
    .addCommand(testPluginCommand())
    .addCommand(validateCommand())
    .addCommand(signCommand())
    .addCommand(verifyCommand())
    .addCommand(quarantineCommand())
    .addCommand(releaseCommand())
  for (const each of [...goalCommands(), ...installCommands()]) command.addCommand(each)
  return command
}
