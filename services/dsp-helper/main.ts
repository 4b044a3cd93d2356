import { fileURLToPath } from 'node:url'
import { DspHelperServiceService } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { exitCodeFor } from '../../rpc/failure.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { openLog } from '../../rpc/log.ts'
import { bind, claimService, serve } from '../../rpc/serve.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'
import { startDataPlane } from './data-plane.ts'
import { dspHelperHandlers } from './service.ts'

const program = (name: string): string => fileURLToPath(new URL(`../../native/build/${name}`, import.meta.url))

const log = openLog('dsp-helper', process.env)
const requested = shutdownRequested(true)

async function run(): Promise<void> {
  const home = findHome(process.env)
  createHome(home)
  const claim = claimService(home, 'dsp-helper')
  const programs = { wheelRt: program('wheel-rt'), wheelDsp: program('wheel-dsp') }
  const plane = startDataPlane({ home, programs, log })
  const handlers = dspHelperHandlers(plane, log)
  const server = await serve({
    service: 'dsp-helper',
    home,
    claim,
    definitions: [bind(DspHelperServiceService, handlers)],
    log,
  })

  const reason = await requested
  log.info({ reason }, 'closing')
  await server.close()
  // Killed from above: the loop and its plugins go on, and whoever comes next finds them running.
  if (reason === 'asked') await plane.close()
  process.exit(0)
}

run().catch((cause: unknown) => {
  log.fatal({ err: cause }, 'cannot run')
  process.exit(exitCodeFor(cause))
})
