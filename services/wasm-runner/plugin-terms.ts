import type { AdjustSafePluginRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { invalidField } from '../../rpc/failure.ts'
import { ungrantedDetail } from './granted-operations.ts'
import { checkGrants, hostList, pathList } from './plugin-grants.ts'
import { knownCapabilities, type PluginSpec, rateHzMax, type SafeCapability } from './plugin-spec.ts'
import { invalid, within } from './request-fields.ts'
import type { Preopen } from './wasi/grants.ts'

/** On what terms a plugin runs now. They may change while it does; what is not listed it does not have. */
export interface PluginTerms {
  /** Ticks a second; 0: it is loaded and not ticked. */
  readonly rateHz: number
  readonly capabilities: readonly SafeCapability[]
  /** Directories that it may use: of those that it was loaded with. */
  readonly fileSystem: readonly Preopen[]
  /** Hosts that it may reach, `host` or `host:port`. */
  readonly network: readonly string[]
}

/** What a plugin begins with. */
export const firstTerms = ({ initialRateHz, capabilities, fileSystem, network }: PluginSpec): PluginTerms => ({
  rateHz: initialRateHz,
  capabilities,
  fileSystem,
  network,
})

/** Says what a plugin that runs does not do of what its manifest has, for its detail; empty when it does all of it. */
export function termsDetail({ operations, rateHz: ownHz }: PluginSpec, { rateHz, capabilities }: PluginTerms): string {
  const rate = rateHz === 0 ? 'it is not called' : `it is called at ${rateHz} Hz, and its own rate is ${ownHz} Hz`
  const ungranted = ungrantedDetail({ operations, capabilities })
  return [rateHz < ownHz ? rate : '', ungranted].filter((part) => part !== '').join('; ')
}

/** Checks a request, field by field. Throws REQUEST_INVALID. What it may say of one plugin its kind knows. */
export const parseAdjustRequest = (request: AdjustSafePluginRequest): PluginTerms => ({
  rateHz: within('update_rate_hz', request.updateRateHz, 0, rateHzMax),
  capabilities: knownCapabilities(request.capabilities),
  fileSystem: pathList(request.fileSystem),
  network: hostList(request.network),
})

/** Two names for one grant. */
export const isSameTree = (a: Preopen, b: Preopen): boolean => a.name === b.name && a.path === b.path

/**
 * Throws REQUEST_INVALID where a directory is not one of those that a plugin was loaded with: what is beyond them the
 * process may not be able to reach, and descriptors were given out for those alone.
 */
export function checkTrees(asked: readonly Preopen[], loaded: readonly Preopen[]): void {
  for (const [index, tree] of asked.entries()) {
    const field = `file_system[${index}]`
    const had = loaded.find((each) => isSameTree(each, tree))
    if (had === undefined)
      throw invalid(
        `${field} is ${JSON.stringify(tree.name)} at ${JSON.stringify(tree.path)}, which the plugin was not loaded with; load it again`,
      )
    if (tree.access === 'read_write' && had.access === 'read')
      throw invalid(
        `${field}.access is read_write, and the plugin was loaded with read; send no more, or load it again`,
      )
  }
}

/** The same of a plugin that runs when somebody asks. */
export function checkOnCallTerms(asked: PluginTerms, loaded: { readonly fileSystem: readonly Preopen[] }): void {
  if (asked.rateHz !== 0)
    throw invalidField('update_rate_hz', `is ${asked.rateHz}, and the plugin runs when somebody asks; send 0`)
  if (asked.capabilities.length > 0)
    throw invalid(
      'capabilities is not empty, and the plugin runs when somebody asks; send none, but file_system and network',
    )
  checkTrees(asked.fileSystem, loaded.fileSystem)
}

/** Throws REQUEST_INVALID where a plugin that ticks cannot have these terms. */
export function checkTerms(asked: PluginTerms, loaded: Pick<PluginSpec, 'fileSystem'>): void {
  checkGrants(asked)
  checkTrees(asked.fileSystem, loaded.fileSystem)
}
