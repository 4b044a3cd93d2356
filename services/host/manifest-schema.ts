import valid from 'semver/functions/valid.js'
import { z } from 'zod'
import { bytesOfBase64 } from '../../input/base64.ts'
import { jsonObject } from '../../input/json-object.ts'
import { integerWithin } from '../../input/number.ts'
import { wordOrMap } from '../../input/word-or-map.ts'
import { permittedHosts, permittedPaths } from './manifest-permissions.ts'
import { description, filePath, line, webAddress } from './manifest-text.ts'

/** What a plugin may ask to be allowed. */
export const capabilities = [
  'ReadTelemetry',
  'ModifyTelemetry',
  'ControlLeds',
  'ProcessDsp',
  'FileSystem',
  'Network',
  'InterPluginComm',
] as const

/** What a plugin may be called for. */
export const operations = ['TelemetryProcessor', 'LedMapper', 'DspFilter', 'TelemetrySource'] as const

export type Capability = (typeof capabilities)[number]
export type Operation = (typeof operations)[number]
export type PluginClass = 'Safe' | 'Fast'

/** Bytes in a raw Ed25519 signature, RFC 8032. */
const signatureBytes = 64

const isRelativeInside = (path: string): boolean =>
  !path.startsWith('/') && !/^[a-z]:/i.test(path) && path.split(/[/\\]/).every((part) => part !== '..')

export const artefact = filePath('the path of the artefact').refine(
  isRelativeInside,
  'write a path relative to the directory of the manifest, without .. in it',
)

/** The guide's pattern, and what it means: 01.0.0 is no semantic version, and cannot be compared with one. */
const isVersion = (text: string): boolean => /^\d+\.\d+\.\d+(-[a-zA-Z0-9.-]+)?$/.test(text) && valid(text) !== null

export const version = z.string().refine(isVersion, 'write a semantic version, such as 1.0.0 or 1.0.0-rc.1')

/** The name of an export: what C and WebAssembly text both take without quotes. */
const functionName = z.string().regex(/^[A-Za-z_][\w.$]{0,254}$/, 'write the name of an exported function')

const isSignature = (text: string): boolean => bytesOfBase64(text)?.length === signatureBytes

const signature = z
  .string()
  .refine(
    isSignature,
    'write base64 of the 64 bytes that `openssl pkeyutl -sign -rawin` makes of the artefact, or remove the key',
  )

const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, 'write the SHA-256 of the 32 raw key bytes as 64 hex digits')
  .toLowerCase()

/** The map form, for the two capabilities that need to say what. */
const capabilityMap = z.strictObject({
  FileSystem: z.strictObject({ paths: permittedPaths }).optional(),
  Network: z.strictObject({ hosts: permittedHosts }).optional(),
})

export type CapabilityMap = z.infer<typeof capabilityMap>

const capability = wordOrMap(z.enum(capabilities), capabilityMap)

/** Longest list of words of which there are seven at most. */
const wordsMax = 64

/** Largest affinity mask: the integers that a double holds. */
const maskMax = Number.MAX_SAFE_INTEGER

/** `plugin.yaml`, key by key. What depends on more than one key is in manifest-rules.ts. */
export const manifestFile = z.strictObject({
  id: z.guid('write a UUID, such as the output of uuidgen').toLowerCase(),
  name: line(128),
  version,
  description,
  author: line(256),
  license: line(128),
  homepage: webAddress.optional(),
  class: z.enum(['Safe', 'Fast']),
  capabilities: z.array(capability).max(wordsMax),
  operations: z.array(z.enum(operations)).max(wordsMax),
  constraints: z.strictObject({
    // Lower bounds: the guide's schema. Upper bounds depend on the class.
    max_execution_time_us: integerWithin(1, Number.MAX_SAFE_INTEGER),
    max_memory_bytes: integerWithin(4096, Number.MAX_SAFE_INTEGER),
    update_rate_hz: z.int(),
    cpu_affinity: integerWithin(1, maskMax).nullish(),
  }),
  entry_points: z.strictObject({
    wasm_module: artefact.optional(),
    native_library: artefact.optional(),
    main_function: functionName.default('process'),
    init_function: functionName.default('initialize'),
    cleanup_function: functionName.default('shutdown'),
  }),
  config_schema: jsonObject.optional(),
  signature: signature.optional(),
  signer_fingerprint: fingerprint.optional(),
  permissions: z
    .strictObject({ file_system: permittedPaths.default([]), network: permittedHosts.default([]) })
    .prefault({}),
})

export type ManifestFile = z.infer<typeof manifestFile>
