import type { PluginCode } from './compile.ts'

/**
 * Modules that are kept, and bytes of them together, as they were before they were compiled: what V8 makes of them is
 * several times that. A rig has a few dozen plugins of some kilobytes.
 */
const entriesMax = 256
const bytesMax = 64 << 20

/** Code by what it was made of. What was not asked for longest goes first. */
export interface CodeCache {
  get(key: string): PluginCode | undefined
  /** `bytes`: of the module. */
  put(key: string, code: PluginCode, bytes: number): void
}

export function createCodeCache(): CodeCache {
  const kept = new Map<string, { readonly code: PluginCode; readonly bytes: number }>()
  let total = 0
  const drop = (key: string): void => {
    total -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }
  return {
    get(key) {
      const found = kept.get(key)
      if (found === undefined) return undefined
      kept.delete(key)
      kept.set(key, found) // a Map keeps the order in which its keys came
      return found.code
    },
    put(key, code, bytes) {
      drop(key)
      kept.set(key, { code, bytes })
      total += bytes
      for (const oldest of kept.keys()) {
        if (kept.size <= entriesMax && total <= bytesMax) break
        drop(oldest)
      }
    },
  }
}
