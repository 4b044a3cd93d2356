import { z } from 'zod'
import { type Frozen, freezeDeep } from '../../input/freeze.ts'
import { matchToml, parseTomlText } from '../../input/toml.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginManifest } from './manifest.ts'
import { permittedHosts, permittedPaths } from './manifest-permissions.ts'
import { artefact, description, line, version } from './manifest-schema.ts'
import { type UnsupportedDialect, unsupported } from './manifest-unsupported.ts'
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
  permissions: z
    .looseObject({ network: permittedHosts.default([]), file_system: permittedPaths.default([]) })
    .prefault({}),
})

/** A capability that needs to say what it is for, and where it says so. */
interface Listed {
  readonly capability: 'FileSystem' | 'Network'
  readonly key: string
  readonly count: number
}

/** As any of the guides spells it: Filesystem, file_system. */
const isSpelled = (capability: string, as: string): boolean =>
  as.replaceAll('_', '').toLowerCase() === capability.toLowerCase()

/** What it asks for and does not get. */
function warningsFor(asked: readonly string[], listed: readonly Listed[]): readonly string[] {
  const isListed = (as: string): boolean => listed.some(({ capability }) => isSpelled(capability, as))
  const others = asked.filter((as) => !isListed(as))
  const bare = listed.filter(({ capability, count }) => count === 0 && asked.some((as) => isSpelled(capability, as)))
  return [
    ...bare.map(
      ({ capability, key }) =>
        `the capability ${capability} grants nothing, because permissions.${key} does not say what it is for`,
    ),
    ...(others.length > 0
      ? [`it asks for ${others.join(', ')}, which this version grants to no plugin of this kind`]
      : []),
  ]
}

/** What is listed without the word is a contradiction, and no grant. */
function checkListed(asked: readonly string[], listed: readonly Listed[], file: string): void {
  for (const { capability, key, count } of listed) {
    if (count === 0 || asked.some((as) => isSpelled(capability, as))) continue
    const what = `permissions.${key} is a list and capabilities has no ${capability}`
    throw new RigError('MANIFEST_INVALID', `${file}: ${what}; add it to capabilities.required, or remove the list`)
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The dialects that have this file, told apart by the keys that only they have; undefined for none, and for two at once. */
function dialectOf(value: unknown): 'midimon-action-1' | UnsupportedDialect | undefined {
  if (!isTable(value)) return undefined
  const { plugin, binary, library, ui, name } = value
  if (isTable(plugin) && Object.hasOwn(plugin, 'binary')) {
    return isTable(binary) ? undefined : 'midimon-action-c-1'
  }
  if (isTable(plugin) || isTable(binary)) return 'midimon-action-1'
  return isTable(library) || isTable(ui) || typeof name === 'string' ? 'eeg-stage-1' : undefined
}

/** Reads the text of a `plugin.toml`. Throws MANIFEST_INVALID; UnsupportedPlugin for what this version does not run. */
export function parseTomlManifest(text: string, file: string): Frozen<PluginManifest> {
  const source = { file, code: 'MANIFEST_INVALID' } as const
  const value = parseTomlText(text, source)
  const dialect = dialectOf(value)
  if (dialect === undefined) {
    throw new RigError(
      'MANIFEST_INVALID',
      `${file} has neither [plugin] and [binary], nor plugin.binary without [binary], both of MIDIMon, nor [library], an EEG stage; write the manifest of one`,
    )
  }
  if (dialect !== 'midimon-action-1') throw unsupported(value, dialect, source)
  const { plugin, binary, capabilities, permissions } = matchToml(value, actionFile, source)
  const asked = [...new Set([...capabilities.required, ...capabilities.optional])]
  const network = [...new Set(permissions.network)]
  const fileSystem = permissions.file_system
  const listed = [
    { capability: 'FileSystem', key: 'file_system', count: fileSystem.length },
    { capability: 'Network', key: 'network', count: network.length },
  ] as const
  checkListed(asked, listed, file)
  return freezeDeep(
    calledPlugin({
      ...{ name: plugin.name, version: plugin.version, description: plugin.description },
      ...{ author: plugin.author, license: plugin.license, artefact: binary.path, stateful: plugin.stateful },
      checksum: binary.checksum ?? null,
      permissions: { fileSystem, network },
      warnings: warningsFor(asked, listed),
    }),
  )
}
