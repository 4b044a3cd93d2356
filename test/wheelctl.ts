import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Home } from '../rpc/home.ts'

/** Runs `wheelctl` on a rig. Rejects with its code, stdout and stderr when it fails. */
export const runWheelctl = (home: Pick<Home, 'configDir'>, args: readonly string[]) =>
  promisify(execFile)(fileURLToPath(new URL('../bin/wheelctl', import.meta.url)), [...args], {
    env: { ...process.env, OPENRACING_HOME: home.configDir },
  })
