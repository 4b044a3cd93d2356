import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describeExit } from '../supervision/exit.ts'

/** How much longer than its round a program may take to begin and end, ms. */
const beginAndEndMs = 15_000

const build = (name: string): string => fileURLToPath(new URL(`native/build/${name}`, import.meta.url))

/** Debian packages of what is left out where they are missing. */
const packagesOf: Readonly<Record<string, string>> = {
  zeromq_pair: 'libzmq3-dev',
  iceoryx_pair: 'iceoryx libiceoryx-binding-c-dev',
}

/** Path of something that bench/native/Makefile builds; throws, naming what is missing, where it could not. */
export function builtProgram(name: string): string {
  const path = build(name)
  if (existsSync(path)) return path
  const packages = packagesOf[name]
  const first = packages === undefined ? '' : `apt-get install ${packages}, then `
  throw new Error(`${name} is not built; build it with: ${first}make -C bench/native`)
}

/** Ends a child at once; resolves when it is gone. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

/** Resolves with the child's first output that contains `word`; rejects when it ends before. */
export async function saidReady(child: ChildProcess, word = 'ready'): Promise<void> {
  if (child.stdout === null) throw new Error('the child has no stdout')
  let said = ''
  const late = setTimeout(() => child.kill('SIGKILL'), beginAndEndMs)
  try {
    for (;;) {
      const chunk = await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')])
      if (chunk.length === 0) throw new Error(`${child.spawnfile} ended: ${said.trim().split('\n').at(-1)}`)
      said += String(chunk[0])
      if (said.includes(word)) return
    }
  } finally {
    clearTimeout(late)
  }
}

/**
 * Runs a program that measures for `ms`, and resolves with the JSON that it printed. Rejects with what it said on stderr when it
 * fails, or takes much longer.
 */
export async function runProgram<T>(command: string, args: readonly string[], ms: number): Promise<T> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const late = setTimeout(() => child.kill('SIGKILL'), ms + beginAndEndMs)
  const exited = once(child, 'exit')
  const [out, error, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), exited]).finally(() =>
    clearTimeout(late),
  )
  if (code === 0) return JSON.parse(out.slice(out.indexOf('{'))) as T
  throw new Error(error.trim().split('\n').at(-1) || `${command} ${describeExit(code, signal)}`)
}
