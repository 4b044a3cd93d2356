import { ledCountMax } from '../../gen/layout.ts'
import { exitCodeFor, RigError } from '../../rpc/failure.ts'
import { findHome, makePrivateDirectory } from '../../rpc/home.ts'
import { openLog } from '../../rpc/log.ts'
import { type LogLevel, logLevelOf } from '../../rpc/log-level.ts'
import { serve } from '../../rpc/serve.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'
import { isWhole, missingOf, readConfinement } from './confinement.ts'
import { startRunner } from './runner.ts'
import { wasmRunnerService } from './service.ts'

/** LEDs of a rim when nobody says how many: a common bar. */
const ledCountDefault = '15'

/** A close that hangs must not hang the rig, ms. Every plugin's shutdown has the watchdog's second. */
const shutdownMs = 5000

function readLedCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= ledCountMax) return count
  throw new RigError(
    'CONFIG_INVALID',
    `OPENRACING_LED_COUNT is ${JSON.stringify(text)}; set it to the LEDs of the rim, 1 to ${ledCountMax}`,
  )
}

const log = openLog('wasm-runner', process.env)

async function run(): Promise<void> {
  const guestLevel = logLevelOf(process.env, log.level as LogLevel, 'OPENRACING_PLUGIN_LOG_LEVEL')
  const guestLog = log.child({}, { level: guestLevel })
  const ledCount = readLedCount(process.env.OPENRACING_LED_COUNT || ledCountDefault)
  const home = findHome(process.env)
  makePrivateDirectory(home.shmDir)
  const confinement = readConfinement(process.env)
  if (!isWhole(confinement)) {
    log.warn(
      { missing: missingOf(confinement) },
      'this process is not confined as it should be: plugins run on all the same',
    )
  }
  const runner = await startRunner({ shmDir: home.shmDir, ledCount, log, guestLog })
  const server = await serve({
    service: 'wasm-runner',
    home,
    definitions: [wasmRunnerService(runner, confinement, log)],
    log,
  })

  log.info({ reason: await shutdownRequested(true) }, 'closing')
  setTimeout(() => process.exit(1), shutdownMs).unref()
  await server.close() // no new calls
  await runner.close() // every plugin's shutdown, then the executor
}

try {
  await run()
  process.exit(0) // our stdin, while the host holds it open, would keep us alive
} catch (cause) {
  log.fatal({ err: cause }, 'cannot serve')
  process.exit(exitCodeFor(cause))
}
