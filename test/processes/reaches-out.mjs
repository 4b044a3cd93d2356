// Tries what a confined service must not be able to do, and what it needs. Prints {attempt: 'ok' or the error's code}.

import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const { home, root, socket, port, parent } = JSON.parse(process.argv[2])
const own = join(home.runtimeDir, 'wasm-runner')

const connected = async (to) => {
  const stream = connect(to)
  await once(stream, 'connect')
  stream.destroy()
}

const listening = async (path) => {
  const server = createServer().listen(path)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

const sends = async () => {
  const udp = createSocket('udp4')
  udp.send('x', port, '127.0.0.1')
  await once(udp, 'listening')
  udp.close()
}

/** Opens a file to write, and leaves it as it is: where nothing is in force it would be ours. */
const opens = (path) => closeSync(openSync(path, 'r+'))

const attempts = {
  'read a file of the system': () => readFileSync('/etc/passwd'),
  'list the root': () => readdirSync('/'),
  'read the configuration': () => readFileSync(join(home.configDir, 'config.yaml')),
  'read the environment of its parent': () => readFileSync(`/proc/${parent}/environ`),
  'read the memory of its parent': () => readFileSync(`/proc/${parent}/mem`),
  'write in the home': () => writeFileSync(join(home.configDir, 'x'), 'x'),
  'write in the state directory': () => writeFileSync(join(home.stateDir, 'x'), 'x'),
  'write over its own code': () => opens(join(root, 'services/wasm-runner/meter.ts')),
  'write into the content store': () => writeFileSync(join(home.storeDir, 'x'), 'x'),
  'write what the loop is told': () => opens(join(home.shmDir, 'control')),
  'read the emergency stop': () => readFileSync(join(home.shmDir, 'estop')),
  'remove a cell': () => rmSync(join(home.shmDir, 'leds')),
  'listen as trust': () => listening(join(home.runtimeDir, 'trust.sock')),
  'take the socket of the host': () => renameSync(socket, join(own, 'host.sock')),
  'leave by a link': () => {
    symlinkSync('/etc/passwd', join(own, 'link'))
    readFileSync(join(own, 'link'))
  },
  'connect to the host': () => connected({ path: socket }),
  'connect to a port': () => connected({ port, host: '127.0.0.1' }),
  'listen on a port': () => listening(0),
  'send a datagram': sends,
  'run a program': () => execFileSync('/bin/true'),
  'run itself': () => execFileSync(process.execPath, ['-v']),
  'signal its parent': () => process.kill(parent, 0),
  'ask who runs it': () => process.kill(process.pid, 0),
  'read the store': () => readFileSync(join(home.storeDir, 'verified')),
  'write the lights': () => opens(join(home.shmDir, 'leds')),
  'listen on its own socket': () => listening(join(own, 'wasm-runner.sock')),
  'read what the kernel says of it': () => readFileSync('/proc/self/status'),
  'start a thread': () => once(new Worker('', { eval: true }), 'exit'),
  'compile WebAssembly': () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
}

const found = {}
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt()
    found[name] = 'ok'
  } catch (cause) {
    found[name] = cause.code ?? cause.message
  }
}
process.stdout.write(JSON.stringify({ found, confined: process.env.OPENRACING_CONFINED }))
process.exit(0)
