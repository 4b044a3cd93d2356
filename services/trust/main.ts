import { join } from 'node:path'
import { pino } from 'pino'
import { TrustServiceService } from '../../gen/proto/openracing/v1/trust.ts'
import { exitCodeFor } from '../../rpc/failure.ts'
import { findHome } from '../../rpc/home.ts'
import { bind, serve } from '../../rpc/serve.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'
import { openContentStore } from './content-store.ts'
import { trustHandlers } from './service.ts'

// Standard output belongs to whoever started us; the log goes to standard error.
const log = pino({ name: 'trust', level: process.env.OPENRACING_LOG_LEVEL || 'info' }, pino.destination(2))

try {
  const home = findHome(process.env)
  const contents = await openContentStore(join(home.stateDir, 'store'))
  const handlers = trustHandlers({ trustStore: home.trustStore, contents, log })
  const server = await serve({ service: 'trust', home, definitions: [bind(TrustServiceService, handlers)], log })

  const reason = await shutdownRequested(true)
  log.info({ reason }, 'closing')
  await server.close()
} catch (cause) {
  log.fatal({ err: cause }, 'cannot serve')
  process.exitCode = exitCodeFor(cause)
}
