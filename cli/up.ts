import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'

const host = fileURLToPath(new URL('../services/host/main.ts', import.meta.url))

async function up(): Promise<void> {
  const child = spawn(process.execPath, [host], { stdio: 'inherit' })
  // A Ctrl-C reaches the host by itself; a signal to us alone is passed on. Either way the host says when it is down.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  process.exit(code ?? 1)
}

/** `wheelctl up` */
export const upCommand = (): Command =>
  new Command('up').description('start the rig and stay with it until Ctrl-C').action(up)
