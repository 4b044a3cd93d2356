import { type KeyObject, sign } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import { readTextFile } from '../input/text-file.ts'
import { parseFailure, RigError } from '../rpc/failure.ts'
import { resolveArtefact } from '../services/host/manifest-artefact.ts'
import { type InstalledPlugin, type ManifestSource, manifestNames, readPlugin } from '../services/host/registry.ts'
import {
  type BundleFacts,
  bundleFault,
  bundleFile,
  bundleMaxBytes,
  formatBundle,
  parseBundle,
  preAuthEncoding,
  statementPayload,
} from '../services/trust/bundle.ts'
import { verifyStrict } from '../services/trust/ed25519.ts'

/** How far above an artefact its manifest is looked for: `build/release/libx.so`. */
const levelsMax = 3

/** A plugin whose artefact this is. */
export interface PluginAround {
  readonly directory: string
  readonly facts: Omit<BundleFacts, 'newestVersion' | 'nowMs' | 'manifest'> & { readonly manifest: ManifestSource }
  readonly version: string
}

/** What is around an artefact: its plugin, or why the manifest that was found makes it none; neither without a manifest. */
export interface Around {
  readonly plugin?: PluginAround
  /** A sentence. */
  readonly unfit?: string
}

function factsOf({ manifest, manifestFile, problem }: InstalledPlugin, artefactSha256: string): PluginAround['facts'] {
  if (manifest === null || manifestFile === null || problem !== null) {
    throw parseFailure(problem ?? '') ?? new RigError('MANIFEST_INVALID', problem ?? 'it has no manifest')
  }
  return { artefact: manifest.artefact, artefactSha256, manifest: manifestFile, pluginId: manifest.id }
}

/** What the manifest in a directory has to do with an artefact. A manifest may be written before anything is built. */
function aroundIn(directory: string, real: string, artefactSha256: string): Around {
  try {
    const plugin = readPlugin(dirname(directory), basename(directory))
    const facts = factsOf(plugin, artefactSha256)
    if (resolveArtefact(directory, facts.artefact) === real) {
      return { plugin: { directory, facts, version: plugin.manifest?.version ?? '' } }
    }
    return {
      unfit: `${join(directory, facts.manifest.name)} names the artefact ${facts.artefact}, which is another file`,
    }
  } catch (cause) {
    if (cause instanceof RigError) return { unfit: cause.detail }
    throw cause
  }
}

/** What is around an artefact that is there. A library is one whatever a manifest above it says: no manifest fails this. */
export function aroundArtefact(artefact: string, artefactSha256: string): Around {
  const real = realpathSync(artefact)
  let directory = dirname(real)
  for (let level = 0; level < levelsMax && directory !== parse(directory).root; level++) {
    if (manifestNames.some((name) => existsSync(join(directory, name)))) {
      return aroundIn(directory, real, artefactSha256)
    }
    directory = dirname(directory)
  }
  return {}
}

/** The text of the envelope, signed by one key. `expiresMs`: null without end. */
export function signBundle(
  { facts, version }: PluginAround,
  secret: KeyObject,
  fingerprint: string,
  expiresMs: number | null,
): string {
  const { artefact, artefactSha256, manifest, pluginId } = facts
  const digests = new Map([
    [artefact, artefactSha256],
    [manifest.name, manifest.sha256],
  ])
  const payload = statementPayload({ digests, pluginId, version, expiresMs })
  const text = formatBundle(payload, [{ bytes: sign(null, preAuthEncoding(payload), secret), fingerprint }])
  parseBundle(text, bundleFile) // a version that no rig reads is told now, and not there
  return text
}

/** Whether the envelope of a plugin, where there is one, is signed by this key and about this plugin. Throws when not. */
export function verifyBundle({ directory, facts }: PluginAround, raw: Uint8Array, nowMs: number): boolean {
  const path = join(directory, bundleFile)
  const text = readTextFile(path, bundleMaxBytes, 'BUNDLE_INVALID')
  if (text === null) return false
  const { statement, signed, signatures } = parseBundle(text, path)
  if (!signatures.some(({ bytes }) => verifyStrict(raw, signed, bytes))) {
    throw new RigError('PLUGIN_UNTRUSTED', `${path} has no signature by this key`)
  }
  const fault = bundleFault(statement, { ...facts, newestVersion: '', nowMs })
  if (fault !== undefined) throw new RigError(fault.code, `${path}: ${fault.detail}`)
  return true
}
