import { RigError } from '../../rpc/failure.ts'
import { type Abi, recogniseAbi } from './abi.ts'
import { checkFunctionSizes } from './function-size.ts'
import { meterModule, notWebAssembly } from './meter.ts'
import { checkInstantiation } from './module-bounds.ts'
import { readModuleShape } from './module-shape.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { freeStart } from './start-section.ts'
import { type ZenithForm, zenithOperations } from './zenith-forms.ts'

/** Largest module, bytes. Ours: V8 itself would take 1 GiB, and a compiler's working memory is a multiple of it. */
export const moduleBytesMax = 64 << 20

/**
 * Elements of all tables of a module. Compilers make one table, with one element for each function whose address is
 * taken: the samples have none, a megabyte of C some thousand. One element is 8 bytes or more of this process, beside
 * the plugin's memory limit.
 */
const tableElementsMax = 10_000

const pageBytes = 65_536

/** What of a plugin decides what becomes of its bytes. */
export type CodeLimits = Pick<PluginSpec, 'memoryBytes' | 'entryPoints'>

/** A plugin's code, ready to be instantiated on any thread of this process. */
export interface PluginCode {
  readonly abi: Abi
  readonly module: WebAssembly.Module
  /** The exported global with the fuel. */
  readonly fuelExport: string
  /** The export that is called before all others, if there is one. */
  readonly startExport: string | undefined
  /** What a plugin of zenith-1 can be called for; empty of all others. */
  readonly operations: ReadonlyMap<string, ZenithForm>
  /** It makes objects of the engine's heap, which all plugins of a thread share. */
  readonly makesObjects: boolean
}

/** Refuses what is larger than `moduleBytesMax`, without a look inside. */
export function checkModuleBytes(bytes: number): void {
  if (bytes <= moduleBytesMax) return
  throw new RigError('PLUGIN_INVALID', `the module has ${bytes} bytes, more than ${moduleBytesMax}; build it for size`)
}

/**
 * The only way from a plugin's bytes to code: nothing else compiles, and nothing runs unmetered. Throws PLUGIN_INVALID.
 * It takes as long as the module's author wants it to: compiler.ts has it done where that harms nobody.
 */
export async function compilePlugin(bytes: Uint8Array<ArrayBuffer>, limits: CodeLimits): Promise<PluginCode> {
  checkModuleBytes(bytes.length)
  const maxMemoryPages = Math.floor(limits.memoryBytes / pageBytes)
  const metered = meterModule(bytes, { maxMemoryPages, maxTableElements: tableElementsMax })
  checkFunctionSizes(bytes)
  checkInstantiation(bytes)
  const shape = readModuleShape(bytes)
  const abi = recogniseAbi(shape, limits.entryPoints)
  const operations = abi === 'zenith-1' ? zenithOperations(shape.exports) : new Map<string, ZenithForm>()
  const { bytes: code, startExport } = freeStart(metered.bytes)
  try {
    // Not new WebAssembly.Module(): a thread that is in there cannot be ended before V8 is through, which was 48 s after
    // the deadline of a module of 4 MB. What is asked for like this ends with its thread, but for the functions that V8
    // is at.
    const module = await WebAssembly.compile(code)
    const { makesObjects } = shape
    return { abi, module, fuelExport: metered.fuelExport, startExport, operations, makesObjects }
  } catch (cause) {
    throw notWebAssembly(cause)
  }
}
