import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Home } from '../rpc/home.ts'

/** The file of a command, under one of its two names. */
export const commandFile = (name: 'wheelctl' | 'openracing-cli'): string =>
  fileURLToPath(new URL(`../bin/${name}`, import.meta.url))

/** Runs `wheelctl`, or the command of the other name, on a rig. Rejects with its code, stdout and stderr when it fails. */
export const runWheelctl = (
  home: Pick<Home, 'configDir'>,
  args: readonly string[],
  name: 'wheelctl' | 'openracing-cli' = 'wheelctl',
) => promisify(execFile)(commandFile(name), [...args], { env: { ...process.env, OPENRACING_HOME: home.configDir } })
