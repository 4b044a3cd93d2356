import type { Permissions } from './manifest-permissions.ts'
import type { Capability, ManifestFile, Operation, PluginClass } from './manifest-schema.ts'

/** What a class may ask for: at most this, and of memory at least so much. */
export interface ClassLimits {
  readonly executionTimeUs: number
  readonly memoryBytesMin: number
  readonly memoryBytes: number
  readonly updateRatesHz: readonly number[]
}

export const limitsOf: Readonly<Record<PluginClass, ClassLimits>> = {
  // The least is a page of WebAssembly: no memory is smaller.
  Safe: { executionTimeUs: 5000, memoryBytesMin: 65_536, memoryBytes: 16 * 1024 * 1024, updateRatesHz: [60, 100, 200] },
  Fast: { executionTimeUs: 200, memoryBytesMin: 4096, memoryBytes: 4 * 1024 * 1024, updateRatesHz: [1000] },
}

/** The capability without which an operation could do nothing. */
const neededBy: Readonly<Record<Operation, Capability | null>> = {
  TelemetryProcessor: 'ReadTelemetry',
  LedMapper: 'ControlLeds',
  DspFilter: 'ProcessDsp',
  TelemetrySource: null,
}

const artefactKey = { Safe: 'wasm_module', Fast: 'native_library' } as const

/** A rule that spans keys and is broken: the key to change, and what to change it to. */
export interface BrokenRule {
  readonly path: readonly (string | number)[]
  readonly remedy: string
}

/** What a manifest asks to be allowed, in words: both forms of the list together. */
export function capabilitiesOf(manifest: ManifestFile): readonly Capability[] {
  const words = manifest.capabilities.flatMap((item) =>
    typeof item === 'string' ? [item] : (Object.keys(item) as Capability[]),
  )
  return [...new Set(words)]
}

function brokenLimits(manifest: ManifestFile): readonly BrokenRule[] {
  const { constraints } = manifest
  const limits = limitsOf[manifest.class]
  const broken: BrokenRule[] = []
  const bound = (key: keyof ManifestFile['constraints'], isBroken: boolean, remedy: string): void => {
    if (isBroken) broken.push({ path: ['constraints', key], remedy: `${remedy} for class ${manifest.class}` })
  }
  const { executionTimeUs, memoryBytesMin, memoryBytes, updateRatesHz } = limits
  bound('max_execution_time_us', constraints.max_execution_time_us > executionTimeUs, `the most is ${executionTimeUs}`)
  bound('max_memory_bytes', constraints.max_memory_bytes > memoryBytes, `the most is ${memoryBytes}`)
  bound('max_memory_bytes', constraints.max_memory_bytes < memoryBytesMin, `the least is ${memoryBytesMin}`)
  bound(
    'update_rate_hz',
    !updateRatesHz.includes(constraints.update_rate_hz),
    `write ${updateRatesHz.length === 1 ? '' : 'one of '}${updateRatesHz.join(', ')}`,
  )
  return broken
}

function brokenCapabilities(manifest: ManifestFile): readonly BrokenRule[] {
  const asked = capabilitiesOf(manifest)
  const broken: BrokenRule[] = []
  const missing = (capability: Capability, path: BrokenRule['path']): void => {
    if (!asked.includes(capability)) broken.push({ path, remedy: `add ${capability} to capabilities, which it needs` })
  }
  for (const [index, operation] of manifest.operations.entries()) {
    const needed = neededBy[operation]
    if (manifest.class === 'Safe' && operation === 'DspFilter') {
      broken.push({
        path: ['operations', index],
        remedy: 'remove it or write class: Fast; Safe plugins never filter DSP',
      })
    } else if (needed !== null) {
      missing(needed, ['operations', index])
    }
  }
  if (manifest.class === 'Safe' && asked.includes('ProcessDsp')) {
    const path = ['capabilities', manifest.capabilities.indexOf('ProcessDsp')]
    broken.push({ path, remedy: 'remove it or write class: Fast; Safe plugins never process DSP' })
  }
  if (manifest.permissions.file_system.length > 0) missing('FileSystem', ['permissions', 'file_system'])
  if (manifest.permissions.network.length > 0) missing('Network', ['permissions', 'network'])
  return broken
}

function brokenEntryPoint(manifest: ManifestFile): readonly BrokenRule[] {
  const key = artefactKey[manifest.class]
  if (manifest.entry_points[key] !== undefined) return []
  return [{ path: ['entry_points', key], remedy: `class ${manifest.class} needs it; write the path of the artefact` }]
}

/** Every rule that a manifest breaks although each of its keys is right. */
export function brokenRules(manifest: ManifestFile): readonly BrokenRule[] {
  const broken = [...brokenLimits(manifest), ...brokenCapabilities(manifest), ...brokenEntryPoint(manifest)]
  if (manifest.signer_fingerprint !== undefined && manifest.signature === undefined) {
    broken.push({ path: ['signer_fingerprint'], remedy: 'add the signature that it names the key of, or remove it' })
  }
  return broken
}

const grantsNothing = (capability: Capability, key: string): string =>
  `the capability ${capability} grants nothing, because permissions.${key} does not say what it is for`

/** What is allowed and probably not meant; `permissions` are those of both forms together. */
export function warningsFor(manifest: ManifestFile, permissions: Permissions): readonly string[] {
  const asked = capabilitiesOf(manifest)
  const other = artefactKey[manifest.class === 'Safe' ? 'Fast' : 'Safe']
  const warnings: string[] = []
  const warn = (isDoubtful: boolean, sentence: string): void => {
    if (isDoubtful) warnings.push(sentence)
  }
  warn(manifest.entry_points[other] !== undefined, `entry_points.${other} is ignored; the class is ${manifest.class}`)
  warn(manifest.operations.length === 0, 'operations is empty, so the plugin is never called')
  warn(asked.includes('FileSystem') && permissions.fileSystem.length === 0, grantsNothing('FileSystem', 'file_system'))
  warn(asked.includes('Network') && permissions.network.length === 0, grantsNothing('Network', 'network'))
  return warnings
}
