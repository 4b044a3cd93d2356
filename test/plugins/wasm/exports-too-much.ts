import { largeModule } from '../../../services/wasm-runner/testing/large-module.ts'

/** Each export is an object that V8 makes when the module is instantiated, where nothing counts and nothing interrupts. */
export const build = (): Uint8Array<ArrayBuffer> => largeModule({ exports: 300_000 })
