import { z } from 'zod'
import type { DocumentSource } from '../../input/document.ts'
import { onOneLine } from '../../input/one-line.ts'
import { matchToml, type TomlDocument } from '../../input/toml.ts'
import { RigError } from '../../rpc/failure.ts'
import { artefact, version } from './manifest-schema.ts'
import { description, line } from './manifest-text.ts'
import { pluginName } from './on-call.ts'

/** The dialects that nothing here runs. */
export type UnsupportedDialect = 'midimon-action-c-1' | 'eeg-stage-1'

/** What a plugin that nothing here runs says of itself, to be shown. */
export interface Unsupported {
  readonly dialect: UnsupportedDialect
  readonly name: string
  readonly version: string
  readonly description: string
  readonly author: string
  readonly license: string
}

/** PLUGIN_UNSUPPORTED: a manifest in which nothing is wrong, of a kind that nothing here runs. */
export class UnsupportedPlugin extends RigError {
  readonly said: Unsupported

  constructor(said: Unsupported, sentence: string) {
    super('PLUGIN_UNSUPPORTED', sentence)
    this.said = said
  }
}

const about = {
  version,
  description: description.default(''),
  author: line(256).default('unknown'),
  license: line(128).default('unknown'),
}

/** `plugin.toml` of MIDIMon's native guide; keys that it does not print are let be, as in its other form. */
const nativeAction = z.looseObject({
  plugin: z.looseObject({
    ...about,
    name: pluginName,
    type: z.enum(['action', 'trigger']).default('action'),
    binary: artefact,
    capabilities: z.record(line(64), z.boolean()).default({}),
  }),
})

/** More properties than a component has. */
const propertiesMax = 64

/** `plugin.toml` of the EEG guide. Without `library.path` the library is `bin/<target-triple>/lib<name>.so`. */
const eegStage = z.looseObject({
  ...about,
  name: line(128),
  library: z.looseObject({ path: artefact.optional() }).optional(),
  ui: z
    .looseObject({
      bundle_path: artefact.optional(),
      component_name: line(128).optional(),
      required_props: z.array(line(128)).max(propertiesMax).optional(),
    })
    .optional(),
})

const readers: Readonly<
  Record<UnsupportedDialect, (document: TomlDocument, source: DocumentSource) => Omit<Unsupported, 'dialect'>>
> = {
  'midimon-action-c-1': (document, source) => matchToml(document, nativeAction, source).plugin,
  'eeg-stage-1': (document, source) => matchToml(document, eegStage, source),
}

const kinds: Readonly<Record<UnsupportedDialect, string>> = {
  'midimon-action-c-1': 'a native MIDIMon action (midimon-action-c-1), which runs in an action host',
  'eeg-stage-1': 'an EEG stage (eeg-stage-1), which runs in a stage host',
}

/**
 * What to throw about the manifest of a plugin that nothing here runs. Nothing of the plugin but its manifest is opened.
 * Throws MANIFEST_INVALID where the manifest is not what its dialect prints.
 */
export function unsupported(
  document: TomlDocument,
  dialect: UnsupportedDialect,
  source: DocumentSource,
): UnsupportedPlugin {
  const { name, version, description, author, license } = readers[dialect](document, source)
  const sentence = `${onOneLine(source.file)} describes ${kinds[dialect]}, and this rig has none; remove its directory, or install a WebAssembly build`
  return new UnsupportedPlugin({ dialect, name, version, description, author, license }, sentence)
}
