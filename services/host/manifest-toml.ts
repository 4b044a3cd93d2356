import { type Frozen, freezeDeep } from '../../input/freeze.ts'
import { onOneLine } from '../../input/one-line.ts'
import { matchToml, parseToml } from '../../input/toml.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginManifest } from './manifest.ts'
import { actionFile, describeAction } from './manifest-action.ts'
import { manifestMaxBytes } from './manifest-text.ts'
import { type UnsupportedDialect, unsupported } from './manifest-unsupported.ts'
import { calledPlugin } from './on-call.ts'

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
  const source = { file, code: 'MANIFEST_INVALID', maxBytes: manifestMaxBytes } as const
  const document = parseToml(text, source)
  const dialect = dialectOf(document.value)
  if (dialect === undefined) {
    throw new RigError(
      'MANIFEST_INVALID',
      `${onOneLine(file)}:1:1: the document has neither [plugin] and [binary], nor plugin.binary without [binary], both of MIDIMon, nor [library], an EEG stage; write the manifest of one`,
    )
  }
  if (dialect !== 'midimon-action-1') throw unsupported(document, dialect, source)
  return freezeDeep(calledPlugin(describeAction(matchToml(document, actionFile, source))))
}
