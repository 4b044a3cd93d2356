/** What one plugin may keep beside the telemetry: entries, bytes of a key, bytes of a JSON value. */
const entriesMax = 32
const keyBytesMax = 64
export const valueBytesMax = 1024

/** Values that a plugin set beside the telemetry, JSON by key. */
export interface CustomData {
  /** False when the key or the value is too long or empty, the value is not JSON, or there is no room for another key. */
  set(key: Uint8Array, json: Uint8Array): boolean
  entries(): ReadonlyMap<string, string>
}

export function createCustomData(): CustomData {
  const values = new Map<string, string>()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return {
    set(keyBytes, json) {
      if (keyBytes.length === 0 || keyBytes.length > keyBytesMax || json.length > valueBytesMax) return false
      try {
        const key = decoder.decode(keyBytes)
        const value = decoder.decode(json)
        JSON.parse(value)
        if (!values.has(key) && values.size >= entriesMax) return false
        values.set(key, value)
        return true
      } catch {
        return false // neither UTF-8 nor JSON: the guest is told by the return code
      }
    },
    entries: () => values,
  }
}
