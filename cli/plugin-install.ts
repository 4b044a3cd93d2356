import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import {
  type InstallPluginRequest,
  type InstallProgress,
  type InstallResult,
  InstallStage,
  PluginInstallServiceClient,
  type RollbackPluginResponse,
  type UninstallPluginResponse,
} from '../gen/proto/openracing/v1/install.ts'
import { call, within } from '../rpc/client.ts'
import { duplex } from '../rpc/duplex.ts'
import { RigError } from '../rpc/failure.ts'
import { withClient } from './endpoint.ts'
import { openPluginArchive, type PluginArchive } from './plugin-archive.ts'
import { json } from './table.ts'

/** Longest installation, ms: 128 MiB to a slow disk, behind three others. */
const installMs = 600_000
/** Longest removal or rollback, which copies as much. */
const changeMs = 120_000

const stageWords: Readonly<Record<InstallStage, string>> = {
  [InstallStage.INSTALL_STAGE_UNSPECIFIED]: '',
  [InstallStage.INSTALL_STAGE_RECEIVING]: 'sending',
  [InstallStage.INSTALL_STAGE_UNPACKING]: 'unpacking',
  [InstallStage.INSTALL_STAGE_VERIFYING]: 'verifying',
  [InstallStage.INSTALL_STAGE_INSTALLING]: 'installing',
}

const inMiB = (bytes: bigint): string => (Number(bytes) / (1 << 20)).toFixed(1)

/** Where somebody watches: one line that is written over, and gone at the end. */
function tell({ stage, bytesDone, bytesTotal }: InstallProgress): void {
  if (!process.stderr.isTTY) return
  const total = bytesTotal === 0n ? '' : ` of ${inMiB(bytesTotal)}`
  process.stderr.write(`\r\x1b[K${stageWords[stage]} ${inMiB(bytesDone)}${total} MiB`)
}

function endTelling(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

interface InstallOptions {
  readonly name?: string
  readonly force?: boolean
  readonly json?: boolean
}

async function* requestsOf(
  { format, bytes, pieces }: PluginArchive,
  { name = '', force = false }: InstallOptions,
  upgradeOnly: boolean,
): AsyncGenerator<InstallPluginRequest> {
  yield { part: { $case: 'options', value: { format, name, force, upgradeOnly, archiveBytes: BigInt(bytes) } } }
  for await (const value of pieces) yield { part: { $case: 'archive', value } }
}

async function send(
  client: PluginInstallServiceClient,
  requests: AsyncIterable<InstallPluginRequest>,
): Promise<InstallResult> {
  try {
    const stream = client.installPlugin(...within(installMs))
    for await (const { part } of duplex(stream, requests, new AbortController().signal)) {
      if (part?.$case === 'progress') tell(part.value)
      else if (part?.$case === 'result') return part.value
    }
  } finally {
    endTelling()
  }
  throw noResult()
}

const noResult = (): RigError =>
  new RigError('SERVICE_UNAVAILABLE', 'the host sent no result; list the plugins and ask again')

const called = (version: string): string => (version === '' ? 'a version without a number' : version)

/** What is the plugin now, for a person. */
function conclude(result: InstallResult | undefined, { json: asJson = false }: Pick<InstallOptions, 'json'>): void {
  if (result === undefined) throw noResult()
  const { directory, version, previousVersion, warning } = result
  if (asJson) {
    process.stdout.write(json(result))
    return
  }
  const was = previousVersion === '' ? '' : ` (was ${previousVersion})`
  process.stdout.write(`${directory}: ${called(version)} is installed${was}\n`)
  if (warning !== '') process.stderr.write(`warning: ${warning}\n`)
}

const install =
  (upgradeOnly: boolean) =>
  async (path: string, options: InstallOptions, command: Command): Promise<void> => {
    const requests = requestsOf(await openPluginArchive(path), options, upgradeOnly)
    conclude(await withClient(command, PluginInstallServiceClient, (client) => send(client, requests)), options)
  }

async function rollback(plugin: string, options: InstallOptions, command: Command): Promise<void> {
  const { result } = await withClient(command, PluginInstallServiceClient, (client) =>
    call<RollbackPluginResponse>((done) => client.rollbackPlugin({ plugin }, ...within(changeMs), done)),
  )
  conclude(result, options)
}

/** A plugin is gone with its configuration: where nobody can be asked, it must be said. */
async function confirm(plugin: string): Promise<void> {
  const remedy = new RigError('REQUEST_INVALID', `nothing was removed; give --yes to uninstall ${plugin}`)
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw remedy
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`Uninstall ${plugin}, with its configuration and the version before? [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw remedy
}

interface UninstallOptions {
  readonly yes?: boolean
  readonly json?: boolean
}

async function uninstall(plugin: string, { yes, json: asJson }: UninstallOptions, command: Command): Promise<void> {
  if (yes !== true) await confirm(plugin)
  const { result } = await withClient(command, PluginInstallServiceClient, (client) =>
    call<UninstallPluginResponse>((done) => client.uninstallPlugin({ plugin }, ...within(changeMs), done)),
  )
  if (result === undefined) throw noResult()
  const { directory, previousVersion } = result
  const was = previousVersion === '' ? '' : ` (was ${previousVersion})`
  process.stdout.write(asJson ? json(result) : `${directory} is uninstalled${was}\n`)
}

const archiveCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<path>', 'a .tar.gz, a .zip, or a directory, of which hidden files and node_modules are left out')
    .option('--force', 'also a version that is not newer than the installed one')
    .option('--json', 'for programs')

const pluginCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<plugin>', 'its id, or the name of its directory')
    .option('--json', 'for programs')

/** `wheelctl plugin install|upgrade|rollback|uninstall` */
export const installCommands = (): readonly Command[] => [
  archiveCommand('install', 'install a plugin, or a newer version of one')
    .option('--name <directory>', 'its directory below the plugin directory (default: by its name)')
    .action(install(false)),
  archiveCommand('upgrade', 'install a newer version of a plugin that is there').action(install(true)),
  pluginCommand('rollback', 'go back to the version before, or from there to the one after').action(rollback),
  pluginCommand('uninstall', 'remove a plugin with its configuration and the version before')
    .option('--yes', 'without asking')
    .action(uninstall),
]
