import { RigError } from '../../rpc/failure.ts'
import { notWebAssembly } from './meter.ts'

/** Largest module, bytes. Ours: V8 itself would take 1 GiB, and a compiler's working memory is a multiple of it. */
export const moduleBytesMax = 64 << 20

/**
 * The only way from a plugin's bytes to code: nothing else compiles.
 *
 * It refuses what is larger than `moduleBytesMax` and what V8 does not take, in V8's words, as PLUGIN_INVALID. It
 * does not rewrite the module: a call that does not return is not ended from within (the watchdog ends it from
 * outside, with the whole executor thread), and memory that a call grows is counted when the call is over, in
 * instance.ts. V8 compiles on its own threads, so the caller's thread goes on with its work.
 */
export async function compilePlugin(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  if (bytes.length > moduleBytesMax) {
    throw new RigError(
      'PLUGIN_INVALID',
      `the module has ${bytes.length} bytes, more than ${moduleBytesMax}; build it for size`,
    )
  }
  try {
    return await WebAssembly.compile(bytes)
  } catch (cause) {
    throw notWebAssembly(cause)
  }
}
