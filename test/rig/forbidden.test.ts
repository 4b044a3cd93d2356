import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findHome, type Home } from '../../rpc/home.ts'
import { giveAway, ordinaryUser } from '../ordinary-user.ts'
import { startRig } from './rig.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Runs one of our programs to its end as the ordinary user. */
function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): Ended {
  const { status, stderr } = spawnSync(process.execPath, [join(root, program), ...args], {
    ...ordinaryUser,
    cwd: '/',
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    input: '',
    timeout: 60_000,
  })
  return { code: status, stderr }
}

const host = 'services/host/main.ts'
const services = ['trust', 'wasm-runner', 'dsp-helper'].map((name) => `services/${name}/main.ts`)

function assertOneSentence(ended: Ended, code: number, sentence: RegExp): void {
  assert.match(ended.stderr, sentence)
  assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
  assert.equal(ended.code, code)
}

/** A home of the ordinary user, with what `createHome` would make in it. */
function newHome(context: TestContext): Home {
  const home = findHome({ OPENRACING_HOME: mkdtempSync(join(tmpdir(), 'openracing-forbidden-')) })
  const directories = [home.stateDir, home.runtimeDir]
  for (const directory of directories) mkdirSync(directory, { mode: 0o700 })
  giveAway(home.configDir, ...directories)
  context.after(() => {
    for (const directory of directories) chmodSync(directory, 0o700)
    rmSync(home.configDir, { recursive: true })
    rmSync(home.shmDir, { recursive: true, force: true })
  })
  return home
}

const readable = spawnSync(process.execPath, ['-e', ''], { ...ordinaryUser, cwd: root }).status === 0
const skip = readable ? false : `an ordinary user cannot read this checkout (${root})`

for (const name of ['stateDir', 'runtimeDir'] as const) {
  test(`a rig whose ${name} exists and cannot be written is refused in one sentence`, { skip }, (context) => {
    const home = newHome(context)
    chmodSync(home[name], 0o500)
    const ended = run(host, [], { OPENRACING_HOME: home.configDir })
    assertOneSentence(ended, 6, new RegExp(`PERMISSION_DENIED: the directory ${home[name]} cannot be written .*EACCES`))
  })
}

test('a config.yaml that cannot be read is refused in one sentence', { skip }, (context) => {
  const home = newHome(context)
  writeFileSync(home.configFile, 'ffb:\n  gain: 1\n', { mode: 0 })
  giveAway(home.configFile)
  const ended = run(host, [], { OPENRACING_HOME: home.configDir })
  assertOneSentence(ended, 6, /PERMISSION_DENIED: .*config\.yaml cannot be read: EACCES/)
})

test('wheelctl tells a socket that is not for this user from a host that is not there', { skip }, async (context) => {
  const home = newHome(context)
  chmodSync(home.runtimeDir, 0)
  const mine = run('cli/main.ts', ['plugin', 'list'], { OPENRACING_HOME: home.configDir })
  assertOneSentence(mine, 6, /PERMISSION_DENIED: the socket .*host\.sock is not for this user .*the user who runs the/)
  if (ordinaryUser.uid === undefined) return
  await using rig = await startRig()
  const { configDir } = rig.rig.home
  const other = run('cli/main.ts', ['plugin', 'list'], { OPENRACING_HOME: configDir })
  assertOneSentence(other, 6, /PERMISSION_DENIED: .*wheelctl\.yaml cannot be read: EACCES/)
  const socket = `unix:${configDir}/run/host.sock`
  const named = run('cli/main.ts', ['--endpoint', socket, 'plugin', 'list'], { OPENRACING_HOME: configDir })
  assertOneSentence(named, 6, /PERMISSION_DENIED: the socket .*host\.sock is not for this user/)
})

test('a home where no directory can be made is refused at once by the host and by each service', () => {
  for (const program of [host, ...services]) {
    const ended = run(program, [], { OPENRACING_HOME: '/proc/x' })
    assert.equal(ended.code, 4, `${program}: ${ended.stderr}`)
    assert.match(ended.stderr, /CONFIG_INVALID: the directory \/proc\/x(\/run)? cannot be made .*ENOENT/)
  }
  assert.ok(!existsSync('/proc/x'))
})

test('a log level that does not exist is told in one sentence by the host and by each service', { skip }, (context) => {
  const home = newHome(context)
  for (const program of [host, ...services]) {
    const ended = run(program, [], { OPENRACING_HOME: home.configDir, OPENRACING_LOG_LEVEL: 'loud' })
    assertOneSentence(ended, 4, /: CONFIG_INVALID: OPENRACING_LOG_LEVEL is "loud"; set it to one of .*silent$/m)
  }
  const ended = run('services/wasm-runner/main.ts', [], {
    OPENRACING_HOME: home.configDir,
    OPENRACING_PLUGIN_LOG_LEVEL: 'loud',
  })
  assert.match(ended.stderr, /CONFIG_INVALID: OPENRACING_PLUGIN_LOG_LEVEL is \\"loud\\"; set it/)
  assert.equal(ended.code, 4)
})

test('wheelctl says which home or endpoint it cannot use, and gives its help all the same', { skip }, () => {
  const long = { OPENRACING_HOME: `/${'x'.repeat(150)}` }
  const list = ['plugin', 'list']
  assertOneSentence(run('cli/main.ts', list, long), 4, /CONFIG_INVALID: the socket path .* 107 .* shorter/)
  assert.equal(run('cli/main.ts', ['--help'], long).code, 0)
  const nameless = run('cli/main.ts', ['--endpoint', '', ...list], {})
  assertOneSentence(nameless, 4, /REQUEST_INVALID: --endpoint "" is not an address .* unix:\/path or host:port/)
})
