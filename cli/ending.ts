import { CommanderError } from 'commander'
import { endWith } from '../rpc/ending.ts'

/** Exit code of a command line that cannot be understood: what was given is not valid. */
const usageExitCode = 4

/** Ends a program whose command line commander reads, with exitOverride(). */
export function endCommand(program: string, cause: unknown): never {
  // commander has said what is wrong with the words; its code 0 is a --help or --version that was asked for.
  if (cause instanceof CommanderError) process.exit(cause.exitCode === 0 ? 0 : usageExitCode)
  return endWith(program, cause)
}
