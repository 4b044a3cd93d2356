import { z } from 'zod'
import type { Frozen } from '../../input/freeze.ts'
import { permittedHosts, permittedPaths } from './manifest-permissions.ts'
import { artefact, version } from './manifest-schema.ts'
import { description, line, webAddress } from './manifest-text.ts'
import { type CalledPlugin, pluginName } from './on-call.ts'

const hexDigest = /^sha256:([0-9a-f]{64})$/i

/** All zeroes is what a template says: it stands for no file, so a plugin that kept it was never checked. */
const checksum = z
  .string()
  .refine(
    (text) => hexDigest.test(text) && !/^sha256:0{64}$/.test(text),
    'write sha256: and the 64 hex digits that `sha256sum` prints for the file, or remove the key',
  )
  .transform((text) => text.slice('sha256:'.length).toLowerCase())

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

/** The longest list of wishes. */
const wishesMax = 64

const wishes = z.array(line(64)).max(wishesMax).default([])

type ActionFile = Frozen<z.infer<typeof actionKeys>>

const askedBy = ({ capabilities }: ActionFile): readonly string[] => [
  ...new Set([...capabilities.required, ...capabilities.optional]),
]

const listedBy = ({ permissions }: ActionFile): readonly Listed[] => [
  { capability: 'FileSystem', key: 'file_system', count: permissions.file_system.length },
  { capability: 'Network', key: 'network', count: permissions.network.length },
]

/** `plugin.toml` of MIDIMon's WebAssembly guide. Keys that it does not print are kept by that ecosystem, and not read here. */
const actionKeys = z.looseObject({
  plugin: z.looseObject({
    name: pluginName,
    version,
    description: description.default(''),
    author: line(256).default('unknown'),
    license: line(128).default('unknown'),
    homepage: webAddress.optional(),
    stateful: z.boolean().default(false),
  }),
  binary: z.looseObject({ path: artefact, checksum: checksum.optional() }),
  capabilities: z.looseObject({ required: wishes, optional: wishes }).prefault({}),
  permissions: z
    .looseObject({ network: permittedHosts.default([]), file_system: permittedPaths.default([]) })
    .prefault({}),
})

/** The same, and what depends on more than one of its keys. */
export const actionFile = actionKeys.superRefine((file, context) => {
  const asked = askedBy(file)
  for (const { capability, key, count } of listedBy(file)) {
    if (count === 0 || asked.some((as) => isSpelled(capability, as))) continue
    // What is listed without the word is a contradiction, and no grant.
    const message = `add ${capability} to capabilities.required, which it needs, or remove the list`
    context.addIssue({ code: 'custom', path: ['permissions', key], message })
  }
})

/** What it says of itself. */
export function describeAction(action: ActionFile): CalledPlugin {
  const { plugin, binary, permissions } = action
  return {
    ...{ name: plugin.name, version: plugin.version, description: plugin.description },
    ...{ author: plugin.author, license: plugin.license, homepage: plugin.homepage ?? null },
    ...{ artefact: binary.path, stateful: plugin.stateful, checksum: binary.checksum ?? null },
    permissions: { fileSystem: permissions.file_system, network: [...new Set(permissions.network)] },
    warnings: warningsFor(askedBy(action), listedBy(action)),
  }
}
