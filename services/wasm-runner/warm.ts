// Compiles what the wasm-runner is made of, and leaves it in Node's cache: the runner itself, confined, reads there and
// does not write. `npm ci` runs it; what is changed afterwards is compiled anew at each start, until it is run again.

import { flushCompileCache } from 'node:module'

await Promise.all([
  import('./runner.ts'),
  import('./service.ts'),
  // Of the threads, whose own files cannot be loaded anywhere else.
  import('./caller.ts'),
  import('./compile.ts'),
  import('./executor.ts'),
  import('./suspects.ts'),
  import('./yardstick.ts'),
  import('../../rpc/log-level.ts'),
  import('../../rpc/serve.ts'),
  import('../../rpc/shutdown.ts'),
])
flushCompileCache()
process.exit(0)
