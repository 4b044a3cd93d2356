import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Plugin, PluginClass } from '../../gen/proto/openracing/v1/plugin.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { openControlSlot, openEstopSlot } from '../../shm/slots.ts'
import { startRig } from '../../test/rig/rig.ts'
import { inTime, until } from '../../test/until.ts'
import { type Confinement, confinedCommand, usefulEnvironment, wasmRunnerConfinement } from './confinement.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const reachesOut = join(root, 'test/processes/reaches-out.mjs')

/** A home with what a rig has in it, and somebody who listens where the host would, and on a port. */
async function startHome() {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-confined-'))
  const environment = { ...process.env, OPENRACING_HOME: directory }
  const home = findHome(environment)
  createHome(home)
  for (const open of [openControlSlot, openEstopSlot]) open(home).close()
  const confinement = wasmRunnerConfinement(home, environment, () => [])
  confinement.prepare()
  writeFileSync(home.configFile, '')
  writeFileSync(join(home.storeDir, 'verified'), '')
  const host = createServer().listen(home.socket('host'))
  const tcp = createServer().listen(0, '127.0.0.1')
  await Promise.all([once(host, 'listening'), once(tcp, 'listening')])
  return {
    home,
    confinement,
    environment,
    port: (tcp.address() as AddressInfo).port,
    [Symbol.dispose]() {
      host.close()
      tcp.close()
      for (const path of [directory, home.shmDir]) rmSync(path, { recursive: true, force: true })
    },
  }
}

type HomeUnderTest = Awaited<ReturnType<typeof startHome>>

/** What is found out by a program that runs as the wasm-runner would; `look`: what becomes of its command line. */
async function reachOut(
  { home, confinement, environment, port }: HomeUnderTest,
  look: (words: readonly string[]) => readonly string[] = (words) => words,
) {
  const what = JSON.stringify({ home, root, socket: home.socket('host'), port, parent: process.pid })
  const readable: Confinement = { ...confinement, read: [...confinement.read, reachesOut] }
  const [confine, args] = confinedCommand(readable, [reachesOut, what], environment)
  const [command = '', ...rest] = look([confine, ...args])
  const { stdout } = await promisify(execFile)(command, rest, { env: usefulEnvironment(environment) })
  return JSON.parse(stdout) as { readonly found: Record<string, string>; readonly confined: string }
}

/** What it needs is at its end. */
const needed = [
  'ask who runs it',
  'read the store',
  'write the lights',
  'listen on its own socket',
  'read what the kernel says of it',
  'start a thread',
  'compile WebAssembly',
]

function outOfReach(found: Record<string, string>, allowed: readonly string[]): void {
  const reached = Object.keys(found).filter((attempt) => found[attempt] === 'ok')
  assert.deepEqual(reached, allowed, JSON.stringify(found, null, 1))
}

/** Without Node's own permission model: the kernel's word alone. */
const kernelAlone = (words: readonly string[]): readonly string[] =>
  words.filter((word) => !/^--(permission$|allow-|disable-warning)/.test(word))

test('the kernel keeps a confined process from files, networks, programs and processes, and lets it have what it needs', async () => {
  using it = await startHome()
  const { found, confined } = await reachOut(it, kernelAlone)
  assert.equal(confined, 'landlock seccomp')
  outOfReach(found, needed)
})

test("Node's permission model stands in front of the kernel, and is in nobody's way", async () => {
  using it = await startHome()
  const { found } = await reachOut(it)
  outOfReach(found, needed)
  assert.equal(found['read a file of the system'], 'ERR_ACCESS_DENIED')
  assert.equal(found['run a program'], 'ERR_ACCESS_DENIED')
})

/** confine on a kernel that lacks a system call. */
function confineWithout(lacking: string) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-older-'))
  const program = join(directory, 'confine')
  const what = [`-DCALL=SYS_${lacking}`, `-DPROGRAM="${join(root, 'native/build/confine')}"`]
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']
  execFileSync('cc', [...flags, ...what, '-o', program, join(root, 'test/processes/older-kernel.c')])
  return { program, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

const older = [
  {
    missing: 'landlock',
    lacking: 'landlock_create_ruleset',
    held: ['connect to a port', 'run a program', 'listen on a port'],
  },
  { missing: 'seccomp', lacking: 'seccomp', held: ['connect to a port', 'run a program', 'read a file of the system'] },
] as const

for (const { missing, lacking, held } of older) {
  test(`on a kernel without ${missing} the runner says so, once, and runs; the rest holds`, async () => {
    using it = await startHome()
    using confine = confineWithout(lacking)
    const { found, confined } = await reachOut(it, ([, ...rest]) => kernelAlone([confine.program, ...rest]))
    assert.equal(confined, missing === 'landlock' ? 'seccomp' : 'landlock')
    for (const attempt of held) assert.notEqual(found[attempt], 'ok', attempt)

    const main = join(root, 'services/wasm-runner/main.ts')
    const [, args] = confinedCommand(it.confinement, [main], it.environment)
    const child = spawn(confine.program, [...args], {
      env: usefulEnvironment(it.environment),
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    const ended = once(child, 'exit')
    const said: Record<string, unknown>[] = []
    const lines = createInterface({ input: child.stderr })
    lines.on('line', (line) => said.push(JSON.parse(line)))
    await inTime('it serves', once(child.stderr, 'data'))
    while (!said.some(({ msg }) => msg === 'serving')) await inTime('it serves', once(lines, 'line'))
    child.stdin.end()
    await ended
    assert.deepEqual(
      said.flatMap((line) => line.missing ?? []),
      [missing],
    )
  })
}

test('a path that is not absolute, and a program that is not there, are refused in one sentence', async () => {
  const confine = join(root, 'native/build/confine')
  for (const [args, code, sentence] of [
    [['--read', 'x', '--', '/bin/true'], 4, /^confine: a path is missing or not absolute; usage: confine /],
    [['--write'], 4, /^confine: a path is missing or not absolute; usage: confine /],
    [['--grant', '/'], 4, /^confine: there is an option that it does not know; usage: confine /],
    [['--read', '/lib'], 4, /^confine: the program is missing or not an absolute path; usage: confine /],
    [['--', '/none'], 1, /^confine: \/none cannot be run: No such file or directory\n$/],
  ] as const) {
    const child = spawn(confine, [...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(child, 'exit')
    assert.match(await text(child.stderr), sentence)
    assert.deepEqual(await ended, [code, null])
  }
})

test('what a service has no use for is not in its environment', () => {
  const environment = { OPENRACING_LED_COUNT: '15', HOME: '/home/a', AWS_SECRET_ACCESS_KEY: 'x', NODE_OPTIONS: '-r x' }
  assert.deepEqual(usefulEnvironment(environment), { OPENRACING_LED_COUNT: '15', HOME: '/home/a' })
})

/** A line of /proc/PID/task/TID/status. */
const lineOf = (pid: number, thread: string, name: string): string =>
  new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1'))?.[1] ?? ''

test('in a rig each thread of the wasm-runner is confined, and the API says so of each Safe plugin', async () => {
  process.env.TEST_SECRET = 'not for strangers'
  await using rig = await startRig()
  const { pid } = await rig.service('wasm-runner')
  const threads = readdirSync(`/proc/${pid}/task`)
  assert.ok(threads.length > 4, `${threads.length} threads`)
  for (const thread of threads) {
    assert.equal(lineOf(pid, thread, 'NoNewPrivs'), '1')
    assert.equal(lineOf(pid, thread, 'Seccomp'), '2')
    assert.equal(
      Number(lineOf(pid, thread, 'Seccomp_filters')),
      Number(lineOf(process.pid, `${process.pid}`, 'Seccomp_filters')) + 1,
    )
    // Root keeps the right to read what is another user's, behind the fence; others have none.
    assert.ok(['0000000000000000', '0000000000000002'].includes(lineOf(pid, thread, 'CapEff')))
  }
  const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
  assert.ok(environment.includes('OPENRACING_HOME='))
  assert.ok(!environment.includes('TEST_SECRET=not'))
  await until('the API says it of each Safe plugin', async () => {
    const safe = (await rig.plugins()).filter(({ pluginClass }) => pluginClass === PluginClass.PLUGIN_CLASS_SAFE)
    const isConfined = ({ confinement }: Plugin): boolean =>
      confinement?.landlock === true && confinement.seccomp === true
    return safe.length === 2 && safe.every(isConfined)
  })
})
