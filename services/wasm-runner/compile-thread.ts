// The thread that makes code of plugins' bytes. It is ended from outside, with worker.terminate().

import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { compilePlugin } from './compile.ts'
import type { CompileAnswer, CompileJob } from './compiler.ts'

// V8 would leave each function to its first call, and that is on the executor: a function of 3 MB then stops every
// plugin there for 34 ms. It reads this flag, which is the whole process's, when it compiles.
setFlagsFromString('--no-wasm-lazy-compilation')

const port = parentPort!

async function answerTo({ bytes, limits }: CompileJob): Promise<CompileAnswer> {
  try {
    return { kind: 'compiled', code: await compilePlugin(bytes, limits) }
  } catch (cause) {
    if (cause instanceof RigError) return { kind: 'refused', code: cause.code, detail: cause.detail }
    throw cause
  }
}

port.on('message', (job: CompileJob) => {
  void answerTo(job).then((answer) => port.postMessage(answer))
})
