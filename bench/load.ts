import { spawn } from 'node:child_process'
import { builtProgram, endChild, saidReady } from './program.ts'

/** Every core busy with other work at normal priority, until it is disposed of. */
export async function startLoad(): Promise<AsyncDisposable> {
  const child = spawn(builtProgram('load'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
  await saidReady(child)
  return { [Symbol.asyncDispose]: () => endChild(child) }
}
