import { RigError } from '../../rpc/failure.ts'
import { section } from './module-survey.ts'
import { sectionsOf, WasmBytes } from './wasm-bytes.ts'

/**
 * The most that the locals of a function times its bytes may be. V8 keeps account of all locals at each branch: at
 * 40,000 locals, which it allows, 400 kB of branches take it 4 s, and it cannot be stopped within a function. With this
 * bound it is a second. A function of a megabyte may have 2000 locals.
 */
const localsTimesBytesMax = 2e9

function localsOf(bytes: WasmBytes): number {
  return bytes
    .list(() => {
      const count = bytes.number()
      bytes.type()
      return count
    })
    .reduce((sum, count) => sum + count, 0)
}

function checkFunctions(bytes: WasmBytes): void {
  for (let left = bytes.number(); left > 0; left--) {
    const length = bytes.number()
    const end = bytes.at + length
    const locals = localsOf(bytes)
    bytes.at = end
    if (locals * length <= localsTimesBytesMax) continue
    throw new RigError(
      'PLUGIN_INVALID',
      `a function of the module has ${locals} locals in ${length} bytes of code, whose product is more than ${localsTimesBytesMax}; build it of smaller functions`,
    )
  }
}

/** Refuses a valid module with a function that V8 would not be done with in a reasonable time. Throws PLUGIN_INVALID. */
export function checkFunctionSizes(wasm: Uint8Array): void {
  for (const { id, from, to } of sectionsOf(wasm))
    if (id === section.code) checkFunctions(new WasmBytes(wasm.subarray(from, to)))
}
