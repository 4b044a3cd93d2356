import { join } from 'node:path'
import { parseJson } from '../../input/document.ts'
import type { Frozen } from '../../input/freeze.ts'
import { jsonObject } from '../../input/json-object.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import type { ConfigCheck } from './config-check.ts'
import { completedMaxBytes, isLarger, type Mismatch } from './plugin-config-schema.ts'

export type PluginConfig = Frozen<Record<string, unknown>>

const tooLarge = (file: string): RigError =>
  new RigError('CONFIG_INVALID', `${file} has too many bytes with its defaults; the most is ${completedMaxBytes}`)

/** Takes what was found not to match to its place in the file. */
const matching = (mismatches: readonly Mismatch[], completed: Record<string, unknown>) =>
  jsonObject.transform((config, context) => {
    for (const { path, isUnknownKey, remedy } of mismatches) {
      const around = { path: path.slice(0, isUnknownKey ? -1 : undefined), message: remedy, input: config }
      if (isUnknownKey) context.addIssue({ code: 'unrecognized_keys', keys: [String(path.at(-1))], ...around })
      else context.addIssue({ code: 'custom', ...around })
    }
    return completed
  })

/**
 * The configuration of the plugin in `directory`, completed with the defaults of its manifest's `config_schema`. Without
 * a `config.json` it is the defaults alone; without a schema any JSON object will do.
 * Throws RigError: CONFIG_INVALID for the file, MANIFEST_INVALID for a schema that is none or takes more than a second.
 */
export async function readPluginConfig(
  directory: string,
  schema: object | null,
  { check }: Pick<ConfigCheck, 'check'>,
): Promise<PluginConfig> {
  const file = join(directory, 'config.json')
  const source = { file, code: 'CONFIG_INVALID' } as const
  const text = readTextFile(file, completedMaxBytes, source.code) ?? '{}'
  let config = parseJson(text, jsonObject, source)
  if (schema !== null) {
    const checked = await check({ schema, config })
    if ('isTooLarge' in checked) throw tooLarge(file)
    if ('fault' in checked) {
      const manifestFile = join(directory, 'plugin.yaml')
      throw new RigError('MANIFEST_INVALID', `config_schema in ${manifestFile} ${checked.fault}`)
    }
    config = parseJson(text, matching(checked.mismatches, checked.config), source)
  }
  if (!isLarger(config, completedMaxBytes)) return config
  throw tooLarge(file)
}
