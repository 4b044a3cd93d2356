// deaf.ts NAME: serves health as NAME and does not listen to SIGTERM. Ends only when it is killed or its parent is gone.
import { pino } from 'pino'
import { findHome } from '../../rpc/home.ts'
import { serve } from '../../rpc/serve.ts'

process.on('SIGTERM', () => {})
process.stdin.once('end', () => process.exit(0)).resume()
await serve({
  service: process.argv[2] as string,
  home: findHome(process.env),
  definitions: [],
  log: pino({ level: 'silent' }),
})
