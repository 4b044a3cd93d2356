import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { PathAccess } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { pkiFiles } from '../../pki/directory.ts'
import { exitCodeFor, RigError } from '../../rpc/failure.ts'
import { createHome, findHome, type Home } from '../../rpc/home.ts'
import { lockFile } from '../../rpc/lock.ts'
import { createLog } from '../../rpc/log.ts'
import { logLevelOf } from '../../rpc/log-level.ts'
import { createMetrics } from '../../rpc/metrics.ts'
import { claimService, serve } from '../../rpc/serve.ts'
import { openServiceManager } from '../../rpc/service-manager.ts'
import { shutdownRequested } from '../../rpc/shutdown.ts'
import { openEstop } from '../../state/estop.ts'
import { openEndedCalls } from '../wasm-runner/call-record.ts'
import { announceByMs, announceStart } from './announcement.ts'
import { type AuditChecks, openAuditChecks } from './audit-check.ts'
import { auditService } from './audit-service.ts'
import { standardCare } from './care.ts'
import { arrangementOf, createChainHand } from './chain.ts'
import { createChainOwners } from './chain-owners.ts'
import { openChainRecord } from './chain-record.ts'
import { chainService } from './chain-service.ts'
import { startConductWatch, watchEveryMs } from './conduct-watch.ts'
import { readConfig } from './config.ts'
import { openConfigCheck } from './config-check.ts'
import { degradations } from './degraded.ts'
import { startDiscovery } from './discovery.ts'
import { countEndedCalls } from './ended-calls.ts'
import { enforce } from './enforcement.ts'
import { openHistoryFile } from './history-file.ts'
import { historyService } from './history-service.ts'
import { createHub } from './hub.ts'
import { installService } from './install-service.ts'
import { createInstaller } from './installer.ts'
import { createJudge } from './judge.ts'
import { keyService } from './key-service.ts'
import { startKeyWatch } from './key-watch.ts'
import { findPlugins } from './known-plugins.ts'
import { openLedFrames } from './led-frames.ts'
import { endLeftBehind } from './left-behind.ts'
import { createLoader } from './loader.ts'
import { watchLoop } from './loop-watch.ts'
import { startCourier } from './network-courier.ts'
import { createNetworkGrants } from './network-grants.ts'
import { createPluginCalls } from './plugin-calls.ts'
import { createPluginHand } from './plugin-hand.ts'
import { startPluginHistory } from './plugin-history.ts'
import { createPluginList } from './plugin-list.ts'
import { hasManifest } from './plugin-plan.ts'
import { rateHzOf } from './plugin-rate.ts'
import { pluginService } from './plugin-service.ts'
import { connectPluginServices } from './plugin-services.ts'
import { openPluginShelf, type PluginShelf } from './plugin-shelf.ts'
import { troubleOf } from './plugin-state.ts'
import { quarantineService } from './quarantine-service.ts'
import { readinessLine } from './readiness.ts'
import { openRemoteDoor } from './remote-access.ts'
import { incarnationOf } from './rig-incarnation.ts'
import { openRigMemory } from './rig-memory.ts'
import { rigFamilies } from './rig-metrics.ts'
import { readRig, rigService } from './rig-service.ts'
import { rigServices } from './rig-services.ts'
import { openRigState } from './rig-state.ts'
import { watchRigStatus } from './rig-status.ts'
import { createRunnerFence } from './runner-fence.ts'
import { servicePages } from './service-pages.ts'
import { startStoreCare } from './store-care.ts'
import { createSupervisor } from './supervisor.ts'
import { supervisorService } from './supervisor-service.ts'
import { telemetryService } from './telemetry-service.ts'
import { endUnattended } from './unattended-plugins.ts'

/** A close that hangs must not hang the rig, ms: three services with 2.5 s of grace each, the loop's 1 s, and 1 s for us. */
const shutdownMs = 9500
/** How often the emergency stop's cell is looked after, ms: the loop waits for its word when somebody removed it. */
const estopEveryMs = 250

/** How long a grant waits for the process that it needs, ms; what comes of it later the plugin's state says. */
const widenMs = 15_000

const nowNs = (): bigint => process.hrtime.bigint()

/** A loop that still runs holds its lock and goes on with what it shares: the next host adopts it. */
function removeSharedMemory(home: Home): void {
  if (existsSync(home.shmDir) && lockFile(join(home.shmDir, 'loop.lock')))
    rmSync(home.shmDir, { recursive: true, force: true })
}

/** `--exit-with-stdin` is for programs that start a host of their own: it goes when they do, however they go. */
function exitsWithStdin(args: readonly string[]): boolean {
  const unknown = args.find((argument) => argument !== '--exit-with-stdin')
  if (unknown === undefined) return args.length > 0
  throw new RigError(
    'REQUEST_INVALID',
    `${unknown} is not an argument of the host; it takes --exit-with-stdin, or none`,
  )
}

/** What a host that was killed had begun to install. A disk that refuses to finish it keeps nobody from driving. */
async function recoverShelf(shelf: PluginShelf, log: Logger): Promise<void> {
  try {
    for (const plugin of await shelf.recover())
      log.warn({ plugin }, 'what a host that was killed had begun is installed')
  } catch (cause) {
    log.error({ err: cause }, 'what a host that was killed had begun to install could not be finished')
  }
}

/** Tells of a log that is not what was written. The rig drives on: nothing is decided from it. */
async function checkAudit(checks: AuditChecks, signal: AbortSignal, log: Logger): Promise<void> {
  const verdict = await checks.verify('', signal).catch(() => undefined) // asked for again by who wants to know
  if (verdict?.kind === 'broken') log.error(verdict, 'the audit log is damaged; `wheelctl audit verify` tells of it')
}

async function run(): Promise<void> {
  const asked = shutdownRequested(exitsWithStdin(process.argv.slice(2)))
  const home = findHome(process.env)
  const claim = claimService(home, 'host') // from here on nobody else touches this rig
  const config = readConfig(home.configFile)
  const level = logLevelOf(process.env, config.logging.level)
  const log = createLog('host', level)

  // Whatever way this ends, what was opened is closed in reverse.
  await using ends = new AsyncDisposableStack()
  const manager = ends.adopt(openServiceManager(process.env, log), (it) => it.close())
  createHome(home)
  const status = ends.adopt(watchRigStatus(home, nowNs), (it) => it.close())
  ends.defer(() => removeSharedMemory(home))
  // Before anything drives: a stop outlives the host, the rig and the machine.
  const estop = ends.adopt(openEstop(home, Date.now), (it) => it.close())
  const stopped = estop.standing().engaged
  const mending = setInterval(() => estop.standing(), estopEveryMs)
  ends.defer(() => clearInterval(mending))
  if (stopped !== null) log.warn(stopped, 'the emergency stop is engaged; `wheelctl rig clear` clears it')
  const state = ends.adopt(openRigState(home.database, Date.now), (it) => it.close())
  const { audit, versions } = state
  const auditChecks = ends.adopt(openAuditChecks(home.database), (it) => it.close())
  const leds = ends.adopt(openLedFrames(home), (it) => it.close())
  const memory = ends.adopt(openRigMemory(home, config.telemetry.input, log), (it) => it.close())
  const hub = ends.adopt(createHub({ memory, ...config.ffb, nowNs, log }), (it) => it.close())

  const shelf = openPluginShelf(home)
  await recoverShelf(shelf, log) // before anybody looks for plugins
  const { plan, lives, conduct, grants } = findPlugins({ home, config, state, nowMs: Date.now, log })
  const record = openChainRecord(home)
  const arrangement = () => arrangementOf(plan, record)
  const services = connectPluginServices(home)
  const ended = openEndedCalls(home.shmDir)
  const fence = createRunnerFence(() => grants.directoriesOf(plan.plugins().filter(hasManifest)))
  const supervisor = createSupervisor({
    services: rigServices(home, config, level, process.env, () => {
      const granted = fence.raise()
      for (const { path, access } of granted) {
        const writable = access === PathAccess.PATH_ACCESS_READ_WRITE
        log.warn({ path, writable }, 'a directory is granted to a Safe plugin')
      }
      return granted
    }),
    care: standardCare,
    serving(service) {
      server.setHealth(service, true)
      if (service === 'dsp-helper') memory.reopenInput()
      if (service === 'wasm-runner') courier.serving()
      if (service === 'trust') keyWatch.serving()
      loader.serving(service)
    },
    lost: (service) => server.setHealth(service, false),
    died(service) {
      if (service === 'wasm-runner') countEndedCalls({ ended, conduct, plan, nowMs: Date.now, log })
    },
    log,
  })
  const { isServing } = supervisor
  const network = createNetworkGrants()
  const courier = startCourier({ services, isServing, grants: network, log, nowMs: () => performance.now() })
  const configs = ends.adopt(openConfigCheck(), (it) => it.close())
  const judge = createJudge({ native: config.plugins.native, services, isServing, configs, versions })
  const loader = createLoader({
    ...{ plan, lives, arrangement, config, services, isServing, judge, grants, network, fence, audit, versions, log },
    rateHzOf: (plugin) => rateHzOf(plugin, conduct, config.plugins.quarantinePolicy),
    countNow: () => conductWatch.look(),
    endUnattended: (ids) => endUnattended(home.shmDir, ids),
  })
  const keyWatch = startKeyWatch({
    ...{ services, isServing, log },
    onKeys(keys) {
      void loader.keysChanged() // whatever becomes of the log: this only ever stops something
      try {
        state.known.observe(keys)
      } catch (cause) {
        log.error({ err: cause }, 'the audit log lacks a change of keys; it is tried again with the next one')
      }
    },
  })
  ends.defer(enforce({ conduct, plan, lives, loader }))
  const dataPlaneLog = join(home.stateDir, 'data-plane.log')
  const loop = watchLoop({ ticks: () => status.read().loop.running, services, isServing, dataPlaneLog })
  const plugins = createPluginList({ plan, lives, grants, loader, services, isServing, loop, dataPlaneLog })
  const { heard } = plugins
  const conductWatch = startConductWatch({ conduct, services, isServing, everyMs: watchEveryMs, heard, log })
  const discovery = ends.adopt(startDiscovery({ pluginDir: home.pluginDir, plan, lives, loader, log }), (it) =>
    it.close(),
  )
  const pluginHand = createPluginHand({
    ...{ plan, lives, loader, discovery, goals: state.goals, words: state.words },
    async widenFence() {
      if (!fence.isNarrow()) return
      const again = supervisor.servingAgain('wasm-runner')
      supervisor.restart('wasm-runner')
      await Promise.race([again, delay(widenMs, undefined, { ref: false })])
    },
  })
  const hand = createChainHand({ plan, record, loader, plugins: pluginHand })
  const nameOf = (id: string): string =>
    plan.plugins().find(({ manifest }) => manifest?.id === id)?.manifest?.name ?? ''
  const owners = createChainOwners({ home, services, isServing, nameOf, nowMs: () => performance.now() })
  const installer = createInstaller({
    shelf,
    installed: plan.plugins,
    judge,
    audit,
    async changed(directory) {
      await discovery.look(directory)
      return troubleOf(lives.of(directory))
    },
  })
  const keys = ends.adopt(keyService({ home, isServing, audit, log }), (it) => it.close())
  const history = startPluginHistory({
    ...{ services, isServing, installed: plan.plugins, nowMs: Date.now, log },
    incarnation: () => incarnationOf(home),
    file: openHistoryFile(home.historyFile),
    closeMs: 1000,
  })
  const degraded = () => degradations(supervisor.services(), performance.now())
  const rigNeeds = { status, owners, nowNs, hub, leds, estop, ffb: config.ffb, degraded }
  const metrics = createMetrics('host')
  metrics.extend(async () => {
    const listed = await plugins.list()
    const ids = listed.map(({ id }) => id).filter((id) => id !== '')
    return rigFamilies({
      ...{ rig: readRig(rigNeeds), plugins: listed, services: supervisor.services() },
      conducts: [...new Set(ids)].map(conduct.conductOf),
    })
  })
  const { access } = config
  const door =
    config.remote.listen === null
      ? undefined
      : ends.adopt(openRemoteDoor(config.remote.listen, pkiFiles(home), log), (it) => it.close())
  const server = await serve({
    service: 'host',
    home,
    claim,
    ...(access.loopback !== null && { listen: { address: config.listen, role: access.loopback } }),
    ...(door && { remote: door.access }),
    limits: access.limits,
    metrics,
    pages: servicePages(
      home,
      supervisor.services().map(({ name }) => name),
    ),
    others: supervisor.services().map(({ name }) => name),
    definitions: [
      telemetryService(hub, log),
      pluginService({ plugins, calls: createPluginCalls({ plugins, services }), hand: pluginHand, log }),
      rigService(rigNeeds, log),
      chainService({ hand, arrangement, plugins }, log),
      supervisorService({ supervisor, home, log }),
      keys,
      auditService(audit, auditChecks, log),
      quarantineService({ conduct, plan }, log),
      installService(installer, log),
      historyService({ history, installed: plan.plugins }, log),
    ],
    log,
  })

  ends.defer(() => endLeftBehind(home, log)) // a dsp-helper that is dead or stuck cannot
  ends.adopt(supervisor, (it) => it.close()) // the data plane fades torque out and ends
  ends.adopt(services, (it) => it.close())
  ends.adopt(courier, (it) => it.close())
  ends.adopt(keyWatch, (it) => it.close())
  ends.adopt(conductWatch, (it) => it.close())
  ends.adopt(loader, (it) => it.close())
  ends.adopt(history, (it) => it.close()) // while the services can still say what they counted
  ends.adopt(server, (it) => it.close()) // first: no new calls
  door?.follow(server)
  supervisor.start()
  const closing = new AbortController()
  ends.defer(() => closing.abort())
  const line = async (): Promise<string> => {
    const [listed, loopStands] = await Promise.all([plugins.list(), loop.standing()])
    const elapsedMs = performance.now() // since the process began
    const { addresses } = server
    return readinessLine({
      elapsedMs,
      addresses,
      plugins: listed,
      services: supervisor.services(),
      loop: loopStands,
    })
  }
  const caring = startStoreCare({ judgedGood: loader.judgedGood, settled: loader.settled, services, isServing, log })
  ends.defer(caring.close)
  const started = supervisor.settled.then(loader.settled).then(() => loop.settled(closing.signal))
  const remainingMs = announceByMs - performance.now()
  const say = (text: string): void => {
    console.log(text)
    manager.ready(text.replace(/^openracing: /, ''))
  }
  await announceStart({ started, asked, remainingMs, line, say, log })

  void checkAudit(auditChecks, closing.signal, log) // what was not checked when the database was opened
  log.info({ reason: await asked }, 'closing')
  manager.stopping()
  // Ctrl-C reaches us from the terminal and once more from who started us: the second must not cut the close short.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  setTimeout(() => process.exit(1), shutdownMs).unref()
}

// What grpc-js prints about a failure is in the failure, and that is told once.
setLogVerbosity(logVerbosity.NONE)
try {
  await run()
  process.exit(0)
} catch (cause) {
  // One sentence for what somebody can act on; the whole story for what is our own fault.
  console.error(`openracing: ${cause instanceof RigError ? cause.message : (cause as Error).stack}`)
  process.exit(exitCodeFor(cause))
}
