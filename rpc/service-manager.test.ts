import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { openServiceManager } from './service-manager.ts'

/** A service manager's socket, by a language that has datagrams on Unix sockets, and what arrives there line by line. */
async function listen(path: string) {
  const program = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\\0", 1))
print("bound", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", " "), flush=True)
`
  const child = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'bound')
  return { next: async () => (await lines.next()).value as string, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

const quiet = { warn: () => assert.fail('it was told') }

const skip = spawnSync('python3', ['--version']).error !== undefined && 'python3 is not installed'

test('the service manager hears that we are ready, alive and about to end, on a socket of either kind', {
  skip,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-notify-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const path of [join(directory, 'notify'), `@openracing-notify-${process.pid}`]) {
    using manager = await listen(path)
    const told = openServiceManager(
      { NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000', WATCHDOG_PID: `${process.pid}` },
      quiet,
    )
    told.ready('3 plugins running')
    assert.equal(await manager.next(), 'READY=1 STATUS=3 plugins running')
    assert.equal(await manager.next(), 'WATCHDOG=1')
    told.close()
    told.stopping()
    let last = await manager.next()
    while (last === 'WATCHDOG=1') last = await manager.next()
    assert.equal(last, 'STOPPING=1')
  }
})

test('without a service manager nobody is told, and one that does not listen is complained of once', () => {
  const nobody = openServiceManager({}, quiet)
  nobody.ready('')
  nobody.stopping()
  nobody.close()
  const complaints: unknown[] = []
  const deaf = openServiceManager(
    { NOTIFY_SOCKET: '/nowhere/notify' },
    { warn: (cause: object) => void complaints.push(cause) },
  )
  deaf.ready('')
  deaf.stopping()
  assert.equal(complaints.length, 1)
  assert.match(JSON.stringify(complaints), /ENOENT/)
})
