import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../input/document.ts'
import type { Frozen } from '../../input/freeze.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import { checkAgainst } from './plugin-config-schema.ts'

/** Largest `config.json`, bytes, before and after its defaults: what a plugin's exchange buffer holds. */
export const pluginConfigMaxBytes = 64 * 1024

export type PluginConfig = Frozen<Record<string, unknown>>

/** The schema of a `config.json`: a JSON object that, where the manifest says so, matches and gets its defaults. */
function configShape(schema: object | null, manifestFile: string) {
  return z.record(z.string(), z.unknown()).transform((config, context) => {
    if (schema === null) return config
    for (const { path, isUnknownKey, remedy } of checkAgainst(schema, config, manifestFile)) {
      const around = { path: path.slice(0, isUnknownKey ? -1 : undefined), message: remedy, input: config }
      if (isUnknownKey) context.addIssue({ code: 'unrecognized_keys', keys: [String(path.at(-1))], ...around })
      else context.addIssue({ code: 'custom', ...around })
    }
    return config
  })
}

/**
 * The configuration of the plugin in `directory`, completed with the defaults of its manifest's `config_schema`. Without
 * a `config.json` it is the defaults alone; without a schema any JSON object will do.
 * Throws RigError: CONFIG_INVALID for the file, MANIFEST_INVALID for a schema that is none. Blocks, at most a second.
 */
export function readPluginConfig(directory: string, schema: object | null): PluginConfig {
  const file = join(directory, 'config.json')
  const text = readTextFile(file, pluginConfigMaxBytes, 'CONFIG_INVALID')
  const shape = configShape(schema, join(directory, 'plugin.yaml'))
  const config = parseJson(text ?? '{}', shape, { file, code: 'CONFIG_INVALID' })
  const bytes = Buffer.byteLength(JSON.stringify(config))
  if (bytes <= pluginConfigMaxBytes) return config
  throw new RigError(
    'CONFIG_INVALID',
    `${file} has ${bytes} bytes with its defaults; the most is ${pluginConfigMaxBytes}`,
  )
}
