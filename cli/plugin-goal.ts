import { Command } from 'commander'
import {
  type GrantCapabilityResponse,
  type Plugin,
  PluginGoal,
  PluginServiceClient,
  PluginState,
  type ReloadPluginResponse,
  type RevokeCapabilityResponse,
  type SetPluginGoalResponse,
} from '../gen/proto/openracing/v1/plugin.ts'
import { type Callback, call, within } from '../rpc/client.ts'
import { pluginStateWord } from '../rpc/words.ts'
import { withClient } from './endpoint.ts'
import { json } from './table.ts'
import { wordedPlugin } from './worded.ts'

/** How long a command waits for a plugin that is started, ms: its own start has 5 s, and may wait for another's. */
const changeMs = 25_000

interface Options {
  readonly json?: boolean
}

const ask = <Response>(
  command: Command,
  make: (client: PluginServiceClient, done: Callback<Response>) => unknown,
): Promise<Response> =>
  withClient(command, PluginServiceClient, (client) => call<Response>((done) => make(client, done)))

/**
 * How a plugin stands after something was done to it: one line, and an exit code other than 0 where it failed. `changed`:
 * whether another one runs now, where that was asked.
 */
function tell(plugin: Plugin | undefined, changed: boolean | undefined, options: Options): void {
  if (plugin === undefined) return
  const detail = plugin.detail && `: ${plugin.detail}`
  process.stdout.write(
    options.json
      ? json({ plugin: wordedPlugin(plugin), changed })
      : `${plugin.directory} is ${pluginStateWord(plugin)}${detail}\n`,
  )
  if (plugin.state === PluginState.PLUGIN_STATE_FAILED) process.exitCode = 1
}

const aim =
  (goal: PluginGoal) =>
  async (plugin: string, options: Options, command: Command): Promise<void> => {
    const answer = await ask<SetPluginGoalResponse>(command, (client, done) =>
      client.setPluginGoal({ plugin, goal }, ...within(changeMs), done),
    )
    tell(answer.plugin, undefined, options)
  }

async function reload(plugin: string, options: Options, command: Command): Promise<void> {
  const answer = await ask<ReloadPluginResponse>(command, (client, done) =>
    client.reloadPlugin({ plugin }, ...within(changeMs), done),
  )
  const runsOn: readonly (PluginState | undefined)[] = [
    PluginState.PLUGIN_STATE_RUNNING,
    PluginState.PLUGIN_STATE_THROTTLED,
    PluginState.PLUGIN_STATE_ENABLED,
    PluginState.PLUGIN_STATE_LOADED,
  ]
  if (options.json || answer.changed || !runsOn.includes(answer.plugin?.state))
    return tell(answer.plugin, answer.changed, options)
  process.stdout.write(`${answer.plugin?.directory} is what ran already, and runs on\n`)
}

async function grant(
  plugin: string,
  capabilities: readonly string[],
  { yes, ...options }: Options & { readonly yes?: boolean },
  command: Command,
): Promise<void> {
  let answer: GrantCapabilityResponse = { plugin: undefined }
  for (const capability of capabilities) {
    const request = { plugin, capability, acceptRisk: yes === true }
    answer = await ask<GrantCapabilityResponse>(command, (client, done) =>
      client.grantCapability(request, ...within(changeMs), done),
    )
  }
  tell(answer.plugin, undefined, options)
}

async function revoke(
  plugin: string,
  capabilities: readonly string[],
  options: Options,
  command: Command,
): Promise<void> {
  let answer: RevokeCapabilityResponse = { plugin: undefined }
  for (const capability of capabilities) {
    answer = await ask<RevokeCapabilityResponse>(command, (client, done) =>
      client.revokeCapability({ plugin, capability }, ...within(changeMs), done),
    )
  }
  tell(answer.plugin, undefined, options)
}

const subcommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<plugin>', 'its id, the name of its directory, or its own name')
    .option('--json', 'for programs')

const goals: readonly (readonly [string, string, PluginGoal])[] = [
  ['enable', 'has a plugin run, now and after every start', PluginGoal.PLUGIN_GOAL_RUNNING],
  ['disable', 'ends a plugin, and does not load it before it is enabled', PluginGoal.PLUGIN_GOAL_DISABLED],
  ['load', 'has a plugin ready, and does not call it', PluginGoal.PLUGIN_GOAL_LOADED],
  ['unload', 'ends a plugin; it stays there for whoever loads it', PluginGoal.PLUGIN_GOAL_AVAILABLE],
]

/** The subcommands of `wheelctl plugin` that change what a plugin does and may do. */
export const goalCommands = (): readonly Command[] => [
  ...goals.map(([name, description, goal]) => subcommand(name, description).action(aim(goal))),
  subcommand('reload', 'reads, judges and starts a plugin as it lies on the disk now').action(reload),
  subcommand('grant', 'allows a plugin what its manifest asks for, to the bytes that it has now')
    .argument('<capability...>', 'as the manifest names it')
    .option('--yes', 'also what is of high risk')
    .action(grant),
  subcommand('revoke', 'takes a capability from a plugin, with its next tick')
    .argument('<capability...>', 'as the manifest names it')
    .action(revoke),
]
