import { parseYaml } from '../../input/document.ts'
import type { Frozen } from '../../input/freeze.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Permissions } from './manifest-permissions.ts'
import { brokenRules, capabilitiesOf, warningsFor } from './manifest-rules.ts'
import {
  type Capability,
  type ManifestFile,
  manifestFile,
  type Operation,
  type PluginClass,
} from './manifest-schema.ts'
import { manifestMaxBytes } from './manifest-text.ts'

/** What a plugin says about itself, complete: nothing after the parser knows how it was written. */
export interface PluginManifest {
  /** UUID, lower case; of a plugin whose dialect has none its name in lower case. */
  readonly id: string
  readonly name: string
  readonly version: string
  readonly description: string
  readonly author: string
  /** SPDX identifier, as written. */
  readonly license: string
  readonly homepage: string | null
  readonly pluginClass: PluginClass
  /** What it asks to be allowed, each once. */
  readonly capabilities: readonly Capability[]
  readonly operations: readonly Operation[]
  readonly constraints: {
    /** CPU time of one call, µs: 1..5000 Safe, 1..200 Fast; on call 5 s of any time. */
    readonly maxExecutionTimeUs: number
    /** 4096 bytes to 16 MiB Safe, to 4 MiB Fast; 128 MiB on call. */
    readonly maxMemoryBytes: number
    /** 60, 100, 200 Safe; 1000 Fast; 0 on call. */
    readonly updateRateHz: number
    /** Bit mask of cores, or null for any. */
    readonly cpuAffinity: number | null
  }
  /** Path of the artefact, relative to the manifest's directory and without `..`. It may still be a symbolic link. */
  readonly artefact: string
  readonly mainFunction: string
  readonly initFunction: string
  readonly cleanupFunction: string
  /** JSON Schema (draft-07) of `config.json`. */
  readonly configSchema: object | null
  /** Base64 of 64 bytes, made over the artefact. */
  readonly signature: string | null
  /** Hex SHA-256 of the key that made `signature`, lower case; null when the manifest does not name it. */
  readonly signerFingerprint: string | null
  readonly permissions: Permissions
  /** Hex SHA-256 that the artefact must have, lower case; null when the manifest says none. */
  readonly checksum: string | null
  /** A plugin that runs when somebody asks, and not at a rate. `stateful`: its instance stays from call to call. */
  readonly onCall: { readonly stateful: boolean } | null
  /** What is allowed and probably not meant, one sentence each. */
  readonly warnings: readonly string[]
}

function permissionsOf(file: ManifestFile): Permissions {
  const maps = file.capabilities.filter((item) => typeof item === 'object')
  return {
    fileSystem: [...file.permissions.file_system, ...maps.flatMap((item) => item.FileSystem?.paths ?? [])],
    network: [...new Set([...file.permissions.network, ...maps.flatMap((item) => item.Network?.hosts ?? [])])],
  }
}

function complete(file: ManifestFile, artefact: string): PluginManifest {
  const { constraints, entry_points: entry } = file
  const permissions = permissionsOf(file)
  return {
    id: file.id,
    name: file.name,
    version: file.version,
    description: file.description,
    author: file.author,
    license: file.license,
    homepage: file.homepage ?? null,
    pluginClass: file.class,
    capabilities: capabilitiesOf(file),
    operations: [...new Set(file.operations)],
    constraints: {
      maxExecutionTimeUs: constraints.max_execution_time_us,
      maxMemoryBytes: constraints.max_memory_bytes,
      updateRateHz: constraints.update_rate_hz,
      cpuAffinity: constraints.cpu_affinity ?? null,
    },
    artefact,
    mainFunction: entry.main_function,
    initFunction: entry.init_function,
    cleanupFunction: entry.cleanup_function,
    configSchema: file.config_schema ?? null,
    signature: file.signature ?? null,
    signerFingerprint: file.signer_fingerprint ?? null,
    permissions,
    checksum: null,
    onCall: null,
    warnings: warningsFor(file, permissions),
  }
}

const manifest = manifestFile.transform((file, context): PluginManifest => {
  for (const { path, remedy } of brokenRules(file)) {
    context.issues.push({ code: 'custom', path: [...path], message: remedy, input: file })
  }
  const { wasm_module: wasm, native_library: library } = file.entry_points
  return complete(file, (file.class === 'Safe' ? wasm : library) ?? '')
})

/** Reads the text of a `plugin.yaml`. Throws RigError MANIFEST_INVALID; `file` is how its sentence names the file. */
export const parseManifest = (text: string, file: string): Frozen<PluginManifest> =>
  parseYaml(text, manifest, { file, code: 'MANIFEST_INVALID', maxBytes: manifestMaxBytes })

/** The text of a manifest, of any dialect. Throws RigError MANIFEST_INVALID, or FILE_MISSING when there is no file to read. */
export function readManifestText(path: string): string {
  const text = readTextFile(path, manifestMaxBytes, 'MANIFEST_INVALID')
  if (text === null) throw new RigError('FILE_MISSING', `${path} does not exist; every plugin directory needs one`)
  return text
}

/** The manifest in a `plugin.yaml`. Throws as readManifestText() and parseManifest(). */
export const readManifest = (path: string): Frozen<PluginManifest> => parseManifest(readManifestText(path), path)
