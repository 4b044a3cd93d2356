import { runBenchmark } from '../run.ts'
import { createWasmBenchmark } from './report.ts'
import { tell } from './tell.ts'

runBenchmark({
  name: 'bench:wasm',
  description: 'Measures what running WebAssembly plugins costs.',
  roundMs: { least: 1, usual: 500 },
  create: createWasmBenchmark,
  tell,
  settings: { v8_flags: process.execArgv },
})
