import { KeyServiceService } from '../../gen/proto/openracing/v1/key.ts'
import { TrustServiceService } from '../../gen/proto/openracing/v1/trust.ts'
import { exitCodeFor } from '../../rpc/failure.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { openLog } from '../../rpc/log.ts'
import { bind, serve } from '../../rpc/serve.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'
import { openContentStore } from './content-store.ts'
import { keyHandlers } from './key-service.ts'
import { trustHandlers } from './service.ts'
import { openTrustFile } from './trust-file.ts'

const log = openLog('trust', process.env)

try {
  const home = findHome(process.env)
  createHome(home)
  const contents = await openContentStore(home.storeDir, Date.now)
  const keys = openTrustFile(home.trustStore)
  const definitions = [
    bind(TrustServiceService, trustHandlers({ keys, contents, nowMs: Date.now, log })),
    bind(KeyServiceService, keyHandlers({ keys, nowMs: Date.now, log })),
  ]
  const server = await serve({ service: 'trust', home, definitions, log })

  const reason = await shutdownRequested(true)
  log.info({ reason }, 'closing')
  await server.close()
} catch (cause) {
  log.fatal({ err: cause }, 'cannot serve')
  process.exitCode = exitCodeFor(cause)
}
