import { Command } from 'commander'
import { RigError } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { resolveArtefact } from '../services/host/manifest-artefact.ts'
import { type Place, placeOf, readConfig } from './plugin-subject.ts'
import { json } from './table.ts'

/** A manifest may be written before anything is built. */
function artefactWarnings({ directory, manifest }: Place): readonly string[] {
  try {
    resolveArtefact(directory, manifest.artefact)
    return []
  } catch (cause) {
    if (cause instanceof RigError && cause.code === 'FILE_MISSING') return [cause.detail]
    throw cause
  }
}

async function validate(path: string, options: { readonly json?: boolean }): Promise<void> {
  const place = placeOf(path, findHome(process.env).pluginDir)
  const { id, name, version, pluginClass, onCall, capabilities, warnings: own } = place.manifest
  await readConfig(place)
  const warnings = [...own, ...artefactWarnings(place)]
  const kind = onCall === null ? pluginClass : `${pluginClass}, on call`
  const told = [`valid: ${name} ${version}`.trimEnd(), `id: ${id}`, `class: ${kind}`]
  const lines = [
    ...told,
    `asks for: ${capabilities.join(', ') || 'nothing'}`,
    ...warnings.map((each) => `warning: ${each}`),
  ]
  process.stdout.write(
    options.json ? json({ valid: true, id, name, version, class: pluginClass, warnings }) : `${lines.join('\n')}\n`,
  )
}

/** `wheelctl plugin validate` */
export const validateCommand = (): Command =>
  new Command('validate')
    .description('whether a manifest, and the config.json beside it, are what a rig takes; needs no rig')
    .argument(
      '<plugin>',
      'a plugin.yaml or plugin.toml, or the directory of a plugin; or the name or id of an installed one',
    )
    .option('--json', 'for programs')
    .action(validate)
