import { addon } from '../native/addon.ts'

/** Bytes in memory that nobody can change any more. A process gets them by inheriting the descriptor. */
export interface SealedFile extends Disposable {
  readonly descriptor: number
}

/** Seals a copy of these bytes. `name`: at most 249 bytes, shown in the maps of processes that map the file. */
export function sealFile(name: string, bytes: Uint8Array): SealedFile {
  const handle = addon.sealedCreate(name, bytes)
  return { descriptor: addon.sealedDescriptor(handle), [Symbol.dispose]: () => addon.sealedClose(handle) }
}
