// 50 MB of additions.
import { largeModule, longFunctions } from '../../../services/wasm-runner/testing/large-module.ts'

export const build = (): Uint8Array<ArrayBuffer> => largeModule({ functions: longFunctions(50, 333_333) })
