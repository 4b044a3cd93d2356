// The same in parts, none of which is too slow by itself.
import { largeModule, slowFunctions } from '../../../services/wasm-runner/testing/large-module.ts'

export const build = (): Uint8Array<ArrayBuffer> => largeModule({ functions: slowFunctions(120, 12_000) })
