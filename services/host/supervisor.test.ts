import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import {
  type ListServicesResponse,
  type RestartServiceResponse,
  ServiceState,
  SupervisorServiceClient,
  type SupervisorServiceServer,
  SupervisorServiceService,
} from '../../gen/proto/openracing/v1/supervisor.ts'
import { call, within } from '../../rpc/client.ts'
import { findHome } from '../../rpc/home.ts'
import { serveOnSocket } from '../../rpc/testing/on-socket.ts'
import { until } from '../../test/until.ts'
import { type Care, standardCare } from './care.ts'
import { degradations } from './degraded.ts'
import { createSupervisor } from './supervisor.ts'
import { supervisorService } from './supervisor-service.ts'

type Fake = 'well-behaved' | 'broken-while' | 'deaf' | 'never-serving' | 'ends-at-once' | 'parent'

const fakeFile = (fake: Fake): string => fileURLToPath(new URL(`../../test/services/${fake}.ts`, import.meta.url))

function newHome() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-supervisor-'))
  const environment = { ...process.env, OPENRACING_HOME: root }
  const diary = join(root, 'diary')
  const home = findHome(environment)
  mkdirSync(home.runtimeDir, { recursive: true, mode: 0o700 })
  return { environment, diary, home, remove: () => rmSync(root, { recursive: true }) }
}

/** A supervised set of fake services; `servings` counts how often each became SERVING. */
function rig(fakes: Readonly<Record<string, Fake>>, care: Partial<Care> = {}) {
  const { environment, diary, home, remove } = newHome()
  const servings: string[] = []
  const losses: string[] = []
  writeFileSync(`${diary}.broken`, '')
  let heard = Promise.withResolvers<void>()
  const supervisor = createSupervisor({
    services: Object.entries(fakes).map(([name, fake]) => ({
      name,
      program: { file: fakeFile(fake), args: [name, diary], environment },
      socket: home.socket(name),
    })),
    care: { ...standardCare, ...care },
    serving: (name) => {
      servings.push(name)
      heard.resolve()
      heard = Promise.withResolvers()
    },
    lost: (name) => void losses.push(name),
    log: pino({ level: 'silent' }),
  })
  supervisor.start()
  const status = (name: string) => {
    const found = supervisor.services().find((service) => service.name === name)
    assert.ok(found)
    return found
  }
  return {
    supervisor,
    status,
    home,
    losses,
    mend: () => rmSync(`${diary}.broken`),
    diary: () => readFileSync(diary, 'utf8').trim().split('\n'),
    /** Resolves when `name` has become SERVING for the `times`th time. */
    serving: async (name: string, times: number) => {
      while (servings.filter((other) => other === name).length < times) await heard.promise
    },
    [Symbol.asyncDispose]: async () => {
      await supervisor.close()
      remove()
    },
  }
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

test('the services of a rig run when each says SERVING', async () => {
  await using it = rig({ a: 'well-behaved', b: 'well-behaved' })
  await it.supervisor.settled
  assert.ok(it.supervisor.isServing('a') && it.supervisor.isServing('b'))
  assert.notEqual(it.status('a').pid, it.status('b').pid)
  assert.equal(it.status('a').lastExit, '')
})

test('a service that is killed is back, and the others are not touched', async () => {
  await using it = rig({ a: 'well-behaved', b: 'well-behaved' })
  await it.supervisor.settled
  const before = { a: it.status('a').pid, b: it.status('b').pid }
  process.kill(before.a, 'SIGKILL')
  await it.serving('a', 2)
  assert.notEqual(it.status('a').pid, before.a)
  assert.equal(it.status('a').state.restarts, 1)
  assert.equal(it.status('a').lastExit, 'was ended by SIGKILL')
  assert.equal(it.status('b').pid, before.b)
  assert.equal(it.status('b').state.restarts, 0)
})

test('a service that hangs is killed and started again', async () => {
  await using it = rig({ a: 'well-behaved' }, { checkEveryMs: 20, checkDeadlineMs: 300 })
  await it.supervisor.settled
  process.kill(it.status('a').pid, 'SIGSTOP')
  await it.serving('a', 2)
  assert.equal(it.status('a').lastExit, 'did not answer 3 health checks of 300 ms')
})

test('services end in the reverse of their order, asked and not killed, and nothing is left', async () => {
  await using it = rig({ first: 'well-behaved', second: 'well-behaved', third: 'well-behaved' })
  await it.supervisor.settled
  const pids = it.supervisor.services().map((service) => service.pid)
  await Promise.all([it.supervisor.close(), it.supervisor.close()])
  assert.deepEqual(it.diary(), ['third asked', 'second asked', 'first asked'])
  assert.ok(pids.every(isGone))
  assert.ok(it.supervisor.services().every((service) => service.state.kind === 'stopped' && service.pid === 0))
})

test('a service that ignores SIGTERM is killed after the grace period', async () => {
  await using it = rig({ a: 'deaf' }, { graceMs: 100 })
  await it.supervisor.settled
  const { pid } = it.status('a')
  await it.supervisor.close()
  assert.equal(it.status('a').lastExit, 'was ended by SIGKILL')
  assert.ok(isGone(pid))
})

test('a service that never serves is killed at its deadline, and does not keep the rig waiting for ever', async () => {
  await using it = rig({ a: 'never-serving', b: 'well-behaved' }, { startDeadlineMs: 1200, checkDeadlineMs: 300 })
  await it.serving('b', 1)
  await it.supervisor.settled
  assert.notEqual(it.status('a').state.kind, 'running') // it waits for its next start, or has begun it
  assert.equal(it.status('a').lastExit, 'was not SERVING after 1200 ms')
})

test('a service that cannot start is tried again and again and says how it ended', async () => {
  const restart = { firstDelayMs: 1, maxDelayMs: 1, forgiveAfterMs: 1000, intensity: null }
  await using it = rig({ a: 'ends-at-once' }, { restart })
  await it.supervisor.settled
  while (it.status('a').state.restarts < 3) await delay(5)
  assert.equal(it.status('a').lastExit, 'exited with code 7')
})

/** Given up after three losses, and not tried again while a test runs. */
const impatient = {
  ...{ firstDelayMs: 1, maxDelayMs: 1, forgiveAfterMs: 1000 },
  intensity: { most: 2, windowMs: 600_000, pauseMs: 600_000 },
}

test('a service that cannot stay up is given up, the others serve on, the API says what is missing, and by hand it comes back', {
  timeout: 120_000,
}, async () => {
  await using it = rig({ trust: 'broken-while', other: 'well-behaved' }, { restart: impatient })
  await it.serving('other', 1)
  const { pid } = it.status('other')
  await until('it is given up', () => it.status('trust').state.kind === 'failed')
  assert.deepEqual([it.status('trust').state.restarts, it.status('trust').pid], [2, 0])
  assert.ok(it.supervisor.isServing('other') && !it.supervisor.isServing('trust'))

  const { implementation } = supervisorService({
    supervisor: it.supervisor,
    home: it.home,
    log: pino({ level: 'silent' }),
  })
  const api = await serveOnSocket(
    it.home.socket('api'),
    SupervisorServiceService,
    implementation as SupervisorServiceServer,
    SupervisorServiceClient,
  )
  const { services } = await call<ListServicesResponse>((done) => api.client.listServices({}, ...within(5000), done))
  const [trust, other] = services
  assert.deepEqual(
    [trust?.state, other?.state],
    [ServiceState.SERVICE_STATE_FAILED, ServiceState.SERVICE_STATE_RUNNING],
  )
  assert.match(
    trust?.degraded ?? '',
    /^trust exited with code 7, .* given up: nothing can be verified, .*; it is tried once more in 10 min, or now with `wheelctl service restart trust`$/,
  )
  assert.equal(other?.degraded, '')
  assert.deepEqual(
    degradations(it.supervisor.services(), performance.now()).map(({ service }) => service),
    ['trust'],
  )

  const restart = (name: string) =>
    call<RestartServiceResponse>((done) => api.client.restartService({ name }, ...within(5000), done))
  await assert.rejects(restart('nobody'), {
    code: 'REQUEST_INVALID',
    message: /no service is called "nobody"; there are trust, other/,
  })
  it.mend()
  assert.equal((await restart('trust')).service?.name, 'trust')
  await it.serving('trust', 1)
  assert.equal(it.status('other').pid, pid)
  assert.deepEqual(it.losses, [])
  await api.close()
})

test('a service that is restarted by hand is another process, as often as anybody likes', async () => {
  await using it = rig({ a: 'well-behaved' }, { restart: impatient })
  await it.supervisor.settled
  for (let time = 1; time <= 4; time++) {
    const { pid } = it.status('a')
    it.supervisor.restart('a')
    await it.serving('a', time + 1)
    assert.notEqual(it.status('a').pid, pid)
    assert.equal(it.status('a').lastExit, 'was ended to be started again, as somebody asked')
  }
  assert.deepEqual(it.losses, ['a', 'a', 'a', 'a'])
})

test('a rig that is closed while its services start leaves nothing behind', async () => {
  await using it = rig({ a: 'well-behaved', b: 'never-serving' })
  while (it.status('a').pid === 0 || it.status('b').pid === 0) await delay(1)
  const pids = it.supervisor.services().map((service) => service.pid)
  await it.supervisor.close()
  assert.ok(pids.every(isGone))
})

async function nextLine(child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  return String(chunk).trim()
}

test('a service ends when its supervisor is killed', { timeout: 20_000 }, async () => {
  const { environment, diary, remove } = newHome()
  const parent = spawn(process.execPath, [fakeFile('parent'), diary], {
    env: environment,
    stdio: ['ignore', 'pipe', 2],
  })
  const pid = Number(await nextLine(parent))
  assert.ok(pid > 0)
  parent.kill('SIGKILL')
  // The child is no child of ours: its diary is how we hear of its end.
  while (!isDone(diary)) await delay(20)
  assert.equal(readFileSync(diary, 'utf8'), 'child orphaned\n')
  remove()
})

function isDone(diary: string): boolean {
  try {
    return readFileSync(diary, 'utf8').endsWith('\n')
  } catch {
    return false
  }
}
