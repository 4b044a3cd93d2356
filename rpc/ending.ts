import { exitCodeFor, RigError } from './failure.ts'

/** Ends `program` because of `cause`: one sentence for what somebody can act on, the whole story for our own fault. */
export function endWith(program: string, cause: unknown): never {
  const text = cause instanceof RigError ? cause.message : cause instanceof Error ? cause.stack : String(cause)
  process.stderr.write(`${program}: ${text}\n`)
  process.exit(exitCodeFor(cause))
}
