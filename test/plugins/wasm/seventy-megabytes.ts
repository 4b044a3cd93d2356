// More than is taken at all.
import { largeModule, longFunctions } from '../../../services/wasm-runner/testing/large-module.ts'

export const build = (): Uint8Array<ArrayBuffer> => largeModule({ functions: longFunctions(70, 333_333) })
