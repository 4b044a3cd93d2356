import type { Latest } from '../../../shm/latest.ts'

/** A cell like those of shared memory, in this process's own. */
export function memorySlot(): Latest & { readonly published: Uint8Array[] } {
  const published: Uint8Array[] = []
  return {
    published,
    publish: (value) => void published.push(value.slice()),
    read(value) {
      const newest = published.at(-1)
      if (newest !== undefined) value.set(newest)
      return BigInt(published.length)
    },
    close() {},
  }
}
