// well-behaved.ts NAME DIARY: serves health as NAME and ends when it is asked to, or when its parent is gone.
// Writes into DIARY what happens to it.
import { appendFileSync } from 'node:fs'
import { pino } from 'pino'
import { findHome } from '../../rpc/home.ts'
import { serve } from '../../rpc/serve.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'

const [name, diary] = process.argv.slice(2) as [string, string]
const log = pino({ level: 'silent' })
const server = await serve({ service: name, home: findHome(process.env), definitions: [], log })
const reason = await shutdownRequested(true)
await server.close()
appendFileSync(diary, `${name} ${reason}\n`)
process.exit(0)
