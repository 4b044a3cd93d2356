import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { buildWasiLibrary, noWasiCompiler } from '../../test/wasi-program.ts'
import { compilePlugin } from './compile.ts'
import { noGuard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import { instantiate, operationCode } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import { createPostOffice } from './mailbox.ts'
import { guestModule, op } from './testing/guest-module.ts'
import { offline } from './testing/offline.ts'
import { specOf } from './testing/specs.ts'
import { openedMax } from './wasi/descriptors.ts'
import { prices } from './wasi/prices.ts'

const skip = noWasiCompiler
/** Of the development machine, and what a tick of 5 ms is given there. */
const unitsPerUs = 7000
const fuel = 70_000_000

function temporary(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'openracing-wasi-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** How many descriptors this process has at or below a path. */
function openBelow(path: string): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd))
    } catch {
      return '' // that of the listing itself
    }
  })
  return targets.filter((target) => target.startsWith(path)).length
}

async function start(bytes: Uint8Array<ArrayBuffer>, logs: string, environment: Readonly<Record<string, string>> = {}) {
  const lines: string[] = []
  const mail = createPostOffice()
  const spec = specOf({
    configJson: '{"a":1}',
    program: { arguments: [], environment },
    fileSystem: [{ name: '/logs', path: logs, access: 'read_write' }],
  })
  mail.open(spec.id)
  const log = (level: string, line: string): number => lines.push(`${level} ${line}`)
  const code = await compilePlugin(bytes, spec)
  assert.equal(code.abi, 'openracing-sdk-1')
  const needs = { unitsPerUs, mail, guard: noGuard, log, now: () => performance.now(), ...offline }
  const instance = instantiate(code, spec, needs)
  const tick = (gear = 0): number => {
    const frame = new Uint8Array(telemetryFrameBytes)
    new DataView(frame.buffer).setInt32(telemetryFrame.gear.offset, gear, true)
    instance.prepare(frame, darkFrame(15), undefined, fuel)
    return instance.process(operationCode.TelemetryProcessor)
  }
  return { instance, lines, tick }
}

test('a plugin in C is recognised, constructed, configured, and writes where it may', { skip }, async () => {
  using logs = temporary()
  const { instance, lines, tick } = await start(buildWasiLibrary('writes-log'), logs.path)
  assert.deepEqual([tick(), tick(), tick()], [0, 0, 0])
  instance.shutdown()
  assert.deepEqual(lines, ['info constructed 1, configured {"a":1}', 'info shutting down'])
  assert.equal(readFileSync(join(logs.path, 'frames'), 'utf8'), '1\n2\n3\n')
})

test('a plugin finds the environment that it was given', { skip }, async () => {
  using logs = temporary()
  const { instance, lines } = await start(buildWasiLibrary('writes-log'), logs.path, { NOTE: 'on Sunday' })
  instance.shutdown()
  assert.deepEqual(lines, ['info constructed 1, configured {"a":1}', 'info told on Sunday', 'info shutting down'])
})

test('a plugin that closes nothing runs out of descriptors, and has none when it has ended', { skip }, async () => {
  using logs = temporary()
  const { instance, tick } = await start(buildWasiLibrary('writes-log'), logs.path)
  for (let opened = 0; opened < openedMax; opened++) assert.equal(tick(), 0)
  assert.equal(tick(), -1)
  assert.equal(openBelow(logs.path), openedMax + 1)
  instance.shutdown()
  assert.equal(openBelow(logs.path), 0)
})

test('a plugin that ends itself is lost with its exit code, and what it had open is closed', { skip }, async () => {
  using logs = temporary()
  const { tick } = await start(buildWasiLibrary('writes-log'), logs.path)
  assert.equal(tick(), 0)
  assert.throws(() => tick(-1), /it ended itself with proc_exit\(5\)/)
  assert.equal(openBelow(logs.path), 0)
})

test('a call of WASI is paid for with the fuel of the tick', { skip }, async () => {
  using logs = temporary()
  const { instance, tick } = await start(buildWasiLibrary('writes-log'), logs.path)
  assert.equal(tick(), 0)
  assert.ok(instance.fuelUsed() > prices.path + prices.transfer, `${instance.fuelUsed()}`)
  instance.shutdown()
})

test('a plugin that does not start leaves nothing open', async () => {
  using logs = temporary()
  await assert.rejects(start(guestModule({ initialize: op.trap }), logs.path), GuestFault)
  assert.equal(openBelow(logs.path), 0)
})

test('lines that a plugin prints are cleaned, and bounded as all others are', async () => {
  using logs = temporary()
  const print = [op.i32(1), op.i32(64), op.i32(1), op.i32(128), op.call(0)].flat()
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const
  const bytes = guestModule({
    imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', parameters, results: ['i32'] }],
    process: print,
    data: '\u0048\u0000\u0000\u0000\u0009\u0000\u0000\u0000\u001b[2Jhello',
  })
  const newline = guestModule({
    imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', parameters, results: ['i32'] }],
    process: print,
    data: '\u0048\u0000\u0000\u0000\u0002\u0000\u0000\u0000x\n',
  })
  const one = await start(bytes, logs.path)
  assert.equal(one.tick(), 0)
  one.instance.shutdown()
  assert.deepEqual(one.lines, ['info hello'])
  const many = await start(newline, logs.path)
  for (let line = 0; line < 1000; line++) many.tick()
  assert.ok(many.lines.length >= 20 && many.lines.length < 100, `${many.lines.length}`)
  assert.equal(many.lines[0], 'info x')
})

test('what a thread had open is closed when the thread is ended from outside', async () => {
  using logs = temporary()
  const module = new URL('./wasi/wasi.ts', import.meta.url)
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     import(workerData.module).then(({ createWasi }) => {
       const nothing = () => 0n
       const preopens = [{ name: '/logs', path: workerData.path, access: 'read_write' }]
       createWasi({ preopens, arguments: [], environment: {} }, { memory: nothing, pay: nothing, writeLine: nothing })
       parentPort.postMessage('open')
       for (;;);
     })`,
    { eval: true, workerData: { module: module.href, path: logs.path } },
  )
  await once(worker, 'message')
  assert.equal(openBelow(logs.path), 1)
  await worker.terminate()
  assert.equal(openBelow(logs.path), 0)
})
