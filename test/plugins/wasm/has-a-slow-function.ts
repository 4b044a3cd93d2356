// 200 kB of branches, at each of which V8 would write down where 40,000 locals are.
import { largeModule, slowFunctions } from '../../../services/wasm-runner/testing/large-module.ts'

export const build = (): Uint8Array<ArrayBuffer> => largeModule({ functions: slowFunctions(1, 50_000) })
