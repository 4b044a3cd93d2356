import { z } from 'zod'
import { documentMaxBytes } from '../../input/document.ts'
import { type Frozen, freezeDeep } from '../../input/freeze.ts'
import { readTextFile } from '../../input/text-file.ts'
import { matchToml, parseTomlText } from '../../input/toml.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginManifest } from './manifest.ts'
import { permittedHosts } from './manifest-permissions.ts'
import { artefact, description, line, version } from './manifest-schema.ts'
import { calledPlugin, pluginName } from './on-call.ts'

const hexDigest = /^sha256:([0-9a-f]{64})$/i

/** All zeroes is what a template says: it stands for no file, so a plugin that kept it was never checked. */
const checksum = z
  .string()
  .refine(
    (text) => hexDigest.test(text) && !/^sha256:0{64}$/.test(text),
    'write sha256: and the 64 hex digits that `sha256sum` prints for the file, or remove the key',
  )
  .transform((text) => text.slice('sha256:'.length).toLowerCase())

/** `plugin.toml` of MIDIMon's WebAssembly guide. Keys that it does not print are kept by that ecosystem, and not read here. */
const actionFile = z.looseObject({
  plugin: z.looseObject({
    name: pluginName,
    version,
    description: description.default(''),
    author: line(256).default('unknown'),
    license: line(128).default('unknown'),
    stateful: z.boolean().default(false),
  }),
  binary: z.looseObject({ path: artefact, checksum: checksum.optional() }),
  capabilities: z
    .looseObject({ required: z.array(line(64)).default([]), optional: z.array(line(64)).default([]) })
    .prefault({}),
  permissions: z.looseObject({ network: permittedHosts.default([]) }).prefault({}),
})

/** Network as any of the guides spells it. */
const isNetwork = (capability: string): boolean => capability.toLowerCase() === 'network'

/** What it asks for and does not get. */
function warningsFor(asked: readonly string[], network: readonly string[]): readonly string[] {
  const others = asked.filter((capability) => !isNetwork(capability))
  const warnings: string[] = []
  if (asked.some(isNetwork) && network.length === 0) {
    warnings.push('the capability Network grants nothing, because permissions.network does not say what it is for')
  }
  if (others.length > 0) {
    warnings.push(`it asks for ${others.join(', ')}, which this version grants to no plugin of this kind`)
  }
  return warnings
}

/** Hosts without the word are a contradiction, and no grant. */
function checkNetwork(asked: readonly string[], network: readonly string[], file: string): void {
  if (network.length === 0 || asked.some(isNetwork)) return
  throw new RigError(
    'MANIFEST_INVALID',
    `${file}: permissions.network lists hosts and capabilities has no Network; add it to capabilities.required, or remove the hosts`,
  )
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The dialects that have this file, told apart by the tables that only they have. */
function dialectOf(value: unknown): 'midimon-action-1' | 'midimon-action-c-1' | 'eeg-stage-1' | undefined {
  if (!isTable(value)) return undefined
  if (isTable(value.library) || isTable(value.ui)) return 'eeg-stage-1'
  if (isTable(value.plugin) && 'binary' in value.plugin) return 'midimon-action-c-1'
  return isTable(value.plugin) || isTable(value.binary) ? 'midimon-action-1' : undefined
}

/** Reads the text of a `plugin.toml`. Throws MANIFEST_INVALID; PLUGIN_UNSUPPORTED for what this version does not run. */
export function parseTomlManifest(text: string, file: string): Frozen<PluginManifest> {
  const source = { file, code: 'MANIFEST_INVALID' } as const
  const value = parseTomlText(text, source)
  const dialect = dialectOf(value)
  if (dialect === undefined) {
    throw new RigError(
      'MANIFEST_INVALID',
      `${file} has neither [plugin] and [binary], a MIDIMon action, nor [library], an EEG stage; write the manifest of one`,
    )
  }
  if (dialect !== 'midimon-action-1') {
    const what = dialect === 'eeg-stage-1' ? 'an EEG stage' : 'a native MIDIMon action'
    throw new RigError('PLUGIN_UNSUPPORTED', `${file} describes ${what} (${dialect}), which this version does not run`)
  }
  const { plugin, binary, capabilities, permissions } = matchToml(value, actionFile, source)
  const asked = [...new Set([...capabilities.required, ...capabilities.optional])]
  const network = [...new Set(permissions.network)]
  checkNetwork(asked, network, file)
  return freezeDeep(
    calledPlugin({
      ...{ name: plugin.name, version: plugin.version, description: plugin.description },
      ...{ author: plugin.author, license: plugin.license, artefact: binary.path, stateful: plugin.stateful },
      checksum: binary.checksum ?? null,
      network,
      warnings: warningsFor(asked, network),
    }),
  )
}

/** The manifest in a file. Throws as parseTomlManifest, and FILE_MISSING when there is no file to read. */
export function readTomlManifest(path: string): Frozen<PluginManifest> {
  const text = readTextFile(path, documentMaxBytes, 'MANIFEST_INVALID')
  if (text === null)
    throw new RigError('FILE_MISSING', `${path} does not exist; every plugin directory needs a manifest`)
  return parseTomlManifest(text, path)
}
