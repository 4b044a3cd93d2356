import { Worker } from 'node:worker_threads'

// signal-itself [listen]: sends itself SIGBUS, as somebody else may, after a thread that had loaded the addon is gone.
if (process.argv[2] === 'listen') {
  const stay = setInterval(() => {}, 1000)
  process.once('SIGBUS', () => {
    clearInterval(stay)
    console.log('heard')
  })
}
const worker = new Worker(new URL('../../native/addon.ts', import.meta.url))
worker.once('exit', () => process.kill(process.pid, 'SIGBUS'))
