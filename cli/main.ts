import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { auditCommand } from './audit.ts'
import { chainCommand } from './chain.ts'
import { completionCommand } from './completion.ts'
import { contextCommand } from './context.ts'
import { cryptoCommand } from './crypto.ts'
import { endCommand } from './ending.ts'
import { forEachContext } from './every-context.ts'
import { pkiCommand } from './pki.ts'
import { pluginCommand } from './plugin.ts'
import { rigCommand } from './rig.ts'
import { serviceCommand } from './service.ts'
import { telemetryCommand } from './telemetry.ts'
import { trustCommand } from './trust.ts'
import { upCommand } from './up.ts'

const manifest: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)

const endpointOption = [
  '--endpoint <address>',
  'the host to talk to, unix:/path or host:port (default: that of this home)',
] as const
const contextOption = ['--context <name>', 'the rig of this name (`wheelctl context`); all: each of them'] as const

const program = new Command('wheelctl')
  .description('Operates an OpenRacing rig.')
  .version(manifest.version, '--version', 'print the version')
  .option(...endpointOption)
  .option(...contextOption)
  .option('--ca <file>', 'PEM of the CA of a rig elsewhere; with --cert and --key, and before the command')
  .option('--cert <file>', 'PEM of your certificate')
  .option('--key <file>', 'PEM of its key')
  // Behind a command --key is what that command says.
  .enablePositionalOptions()
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()

for (const command of [
  upCommand(),
  telemetryCommand(),
  pluginCommand(),
  chainCommand(),
  rigCommand(),
  serviceCommand(),
  trustCommand(),
  cryptoCommand(),
  auditCommand(),
  pkiCommand(),
  contextCommand(),
  completionCommand(),
]) {
  program.addCommand(command)
}

/** A subcommand that is made on its own does not inherit how its parent ends. Which rig is meant may be said behind it, too. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    for (const [flags, description] of [endpointOption, contextOption]) {
      command.addOption(new Option(flags, description).hideHelp())
    }
    inherit(command.copyInheritedSettings(parent))
  }
}
inherit(program)

// Who reads may have seen enough (`| head`): that ends us, and is no failure.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0)
  endCommand('wheelctl', cause)
})

const run = async (): Promise<void> => {
  if (await forEachContext(process.argv.slice(2))) return
  await program.parseAsync()
}
run().catch((cause: unknown) => endCommand('wheelctl', cause))
