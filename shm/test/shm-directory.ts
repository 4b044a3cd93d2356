import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** A directory in shared memory for the files of one test, gone with its scope. */
export function shmDirectory(): Disposable & { readonly path: string; file(name: string): string } {
  const path = mkdtempSync('/dev/shm/openracing-test-')
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  }
}
