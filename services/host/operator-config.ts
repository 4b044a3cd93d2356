import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import { syncToDisk } from '../../state/durable-file.ts'
import { completedMaxBytes } from './plugin-config-schema.ts'

/** What the operator wrote for a plugin. */
const configFile = 'config.json'

/** Gives the next version of a plugin the `config.json` of the one that is there; says whether there is one. */
export function carryConfig(from: string, to: string): boolean {
  const text = readTextFile(join(from, configFile), completedMaxBytes, 'CONFIG_INVALID')
  if (text === null) return false
  writeFileSync(join(to, configFile), text, { mode: 0o644 })
  syncToDisk(join(to, configFile))
  syncToDisk(to)
  return true
}

/** Why a plugin is not taken that refused the configuration of the version before it. */
export function misfit(cause: unknown, from: string, version: string): unknown {
  if (!(cause instanceof RigError) || cause.code !== 'CONFIG_INVALID') return cause
  const what = `version ${version} does not take the config.json of the installed one: ${cause.detail}`
  return new RigError('CONFIG_INVALID', `${what}; change ${join(from, configFile)} so that it does, then upgrade`, {
    cause,
  })
}
