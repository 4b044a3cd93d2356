import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findHome } from '../../rpc/home.ts'
import { isAlive } from '../alive.ts'
import { inTime, until } from '../until.ts'

const program = fileURLToPath(new URL('../../demo/main.ts', import.meta.url))

interface Demo extends Disposable {
  readonly child: ChildProcess
  /** What stands where its temporary home is made. */
  left(): readonly string[]
  readonly ended: Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>
}

/** A demo whose temporary home is made in `directory`. */
function startDemo(args: readonly string[], directory: string, environment: NodeJS.ProcessEnv = {}): Demo {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, TMPDIR: directory, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return {
    child,
    left: () => readdirSync(directory),
    ended: ended.then(([stdout, stderr, [code]]) => ({ code, stdout, stderr })),
    [Symbol.dispose]: () => {
      child.kill('SIGKILL') // where a test failed; its host goes with it
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const temporary = (): string => mkdtempSync(join(tmpdir(), 'openracing-demo-ends-'))

const printed = (child: ChildProcess): Promise<unknown> => once(child.stdout as NodeJS.ReadableStream, 'data')

/** The processes that `pid` started. */
const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

test('Ctrl-C that comes again and again still ends the demo with its summary, and its home is gone', async () => {
  using demo = startDemo([], temporary())
  await inTime('the demo shows the rig', printed(demo.child))
  const again = setInterval(() => demo.child.kill('SIGINT'), 5)
  demo.child.kill('SIGINT')
  demo.child.kill('SIGTERM')
  const { code, stdout } = await inTime('the demo ends', demo.ended)
  clearInterval(again)
  assert.equal(code, 0)
  assert.match(stdout, /lowpass \(Fast, running\): \d+ executions/)
  assert.deepEqual(demo.left(), [])
})

test('Ctrl-C while the rig starts is told in one sentence, and nothing is printed that was not measured', async () => {
  using demo = startDemo(['--seconds', '60', '--json'], temporary())
  await until('its host is started', () => childrenOf(demo.child.pid as number).length > 0)
  demo.child.kill('SIGINT')
  const { code, stdout, stderr } = await inTime('the demo ends', demo.ended)
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 1, stdout: '', stderr: 'demo: interrupted before anything was measured\n' },
  )
  assert.deepEqual(demo.left(), [])
})

test('a host that ends at once is told in its own sentence, with its exit code', async () => {
  using demo = startDemo(['--seconds', '1', '--json'], temporary(), { OPENRACING_LOG_LEVEL: 'loud' })
  const { code, stdout, stderr } = await inTime('the demo ends', demo.ended)
  assert.match(stderr, /^demo: CONFIG_INVALID: OPENRACING_LOG_LEVEL is "loud"; [^\n]*\n$/)
  assert.deepEqual({ code, stdout }, { code: 4, stdout: '' })
  assert.deepEqual(demo.left(), [])
})

test('words that the demo does not know are refused with 4, and help is no failure', async () => {
  for (const [args, code] of [
    [['--quick'], 4],
    [['--seconds', '0'], 4],
    [['--json'], 4],
    [['--help'], 0],
  ] as const) {
    using demo = startDemo(args, temporary())
    assert.equal((await inTime('the demo ends', demo.ended)).code, code, args.join(' '))
  }
})

test('a reader that goes away ends the demo in order', async () => {
  using demo = startDemo([], temporary())
  await inTime('the demo shows the rig', printed(demo.child))
  demo.child.stdout?.destroy()
  demo.ended.catch(() => undefined) // its standard output ended too early for us
  const [code] = await inTime('the demo ends', once(demo.child, 'exit'))
  assert.equal(code, 0)
  assert.deepEqual(demo.left(), [])
})

test('a demo that is killed takes its host along, and the next demo removes its home and no other', async () => {
  const directory = temporary()
  using killed = startDemo([], directory)
  await inTime('the demo shows the rig', printed(killed.child))
  const [host] = childrenOf(killed.child.pid as number)
  assert.ok(host !== undefined)
  killed.child.kill('SIGKILL')
  await inTime('the demo is gone', once(killed.child, 'exit'))
  await until('its host is gone', () => !isAlive(host))
  const [left, ...others] = killed.left()
  assert.deepEqual(others, [])

  using other = startDemo([], directory)
  await inTime('the other demo shows the rig', printed(other.child))
  const [living, ...rest] = other.left()
  assert.ok(living !== undefined && living !== left)
  assert.deepEqual(rest, [])
  // Not the directory itself: a service that is started again would make that anew.
  const kept = (): readonly string[] => readdirSync(join(directory, living))
  const before = kept()
  using next = startDemo(['--seconds', '1', '--json'], directory)
  const { code, stderr } = await inTime('the next demo ends', next.ended)
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(kept(), before)
  other.child.kill('SIGINT')
  assert.equal((await inTime('the other demo ends', other.ended)).code, 0)
  assert.deepEqual(other.left(), [])
  assert.ok(left !== undefined)
  assert.ok(!readdirSync('/dev/shm').includes(findHome({ OPENRACING_HOME: join(directory, left) }).shmDir.slice(9)))
})

test('a demo in a temporary directory whose path is too long says to set TMPDIR, and leaves nothing there', async () => {
  const parent = temporary()
  const directory = join(parent, 'x'.repeat(110 - parent.length))
  mkdirSync(directory)
  using demo = startDemo([], directory)
  const { code, stdout, stderr } = await inTime('the demo ends', demo.ended)
  assert.match(
    stderr,
    /^demo: CONFIG_INVALID: .* has too long a path .*; set TMPDIR to a shorter directory, such as \/tmp\n$/,
  )
  assert.deepEqual([code, stdout, demo.left()], [4, '', []])
  rmSync(parent, { recursive: true })
})
