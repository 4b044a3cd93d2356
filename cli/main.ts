import { Command } from 'commander'
import { exitCodeFor, RigError } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { pluginCommand } from './plugin.ts'
import { rigCommand } from './rig.ts'
import { serviceCommand } from './service.ts'
import { telemetryCommand } from './telemetry.ts'
import { upCommand } from './up.ts'

/** Exit code of a command line that cannot be understood: what was given is not valid. */
const usageExitCode = 4

const program = new Command('wheelctl')
  .description('Operates an OpenRacing rig.')
  .option(
    '--endpoint <address>',
    'the host to talk to, unix:/path or host:port',
    `unix:${findHome(process.env).socket('host')}`,
  )
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()

for (const command of [upCommand(), telemetryCommand(), pluginCommand(), rigCommand(), serviceCommand()]) {
  program.addCommand(command)
}

/** A subcommand that is made on its own does not inherit how its parent ends. */
function inherit(parent: Command): void {
  for (const command of parent.commands) inherit(command.copyInheritedSettings(parent))
}
inherit(program)

function end(cause: unknown): never {
  // commander has said what is wrong with the words; its code 0 is a --help or --version that was asked for.
  if (cause instanceof Error && 'exitCode' in cause) process.exit(cause.exitCode === 0 ? 0 : usageExitCode)
  const text = cause instanceof RigError ? cause.message : cause instanceof Error ? cause.stack : String(cause)
  process.stderr.write(`wheelctl: ${text}\n`)
  process.exit(exitCodeFor(cause))
}

program.parseAsync().catch(end)
