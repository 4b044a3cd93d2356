import { largeModule } from '../../../services/wasm-runner/testing/large-module.ts'

export const build = (): Uint8Array<ArrayBuffer> => largeModule({ memoryPages: 200, dataBytes: 10_000_000 })
