import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { shmDirectory } from '../shm/test/shm-directory.ts'
import { addon, type Handle } from './addon.ts'

// The functions take anything here: what TypeScript refuses is what the test is about.
const functions = addon as unknown as Readonly<Record<string, (...values: unknown[]) => unknown>>
const call = (name: string, ...values: unknown[]): unknown => functions[name]?.(...values)
const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }

function detached(): Uint8Array {
  const array = new Uint8Array(64)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}

/** A view of 64 bytes on a buffer that was made shorter. */
function outOfBounds(): Uint8Array {
  const buffer = new ArrayBuffer(64, { maxByteLength: 64 })
  const array = new Uint8Array(buffer, 8, 56)
  buffer.resize(16)
  return array
}

/** One handle of each kind that takes bytes, with the functions that take it and what they take beside it. */
function memoryHandles(file: (name: string) => string) {
  writeFileSync(file('window'), Buffer.alloc(128))
  const bytes = new Uint8Array(64)
  return [
    { close: 'ringClose', use: 'ringPush', handle: addon.ringOpen(file('ring'), true, 64, 4), rest: [bytes] },
    { close: 'ringClose', use: 'ringPop', handle: addon.ringOpen(file('ring'), false, 64, 4), rest: [bytes] },
    { close: 'latestClose', use: 'latestPublish', handle: addon.latestOpen(file('latest'), 64), rest: [bytes] },
    { close: 'latestClose', use: 'latestRead', handle: addon.latestOpen(file('latest'), 64), rest: [bytes] },
    { close: 'windowClose', use: 'windowCopy', handle: addon.windowOpen(file('window'), 128), rest: [0, bytes] },
  ] as const
}

/** The others too. */
const everyHandle = (file: (name: string) => string) => [
  ...memoryHandles(file),
  {
    close: 'sealedClose',
    use: 'sealedDescriptor',
    handle: addon.sealedCreate('sealed', new Uint8Array(64)),
    rest: [],
  } as const,
]

test('a handle of another kind, and what is none, is refused by every function', () => {
  using directory = shmDirectory()
  const all = everyHandle(directory.file)
  const foreign: unknown[] = [
    undefined,
    null,
    1,
    1n,
    'handle',
    Symbol('handle'),
    {},
    [],
    () => 0,
    new Uint8Array(8),
    addon,
  ]
  for (const { use, close, handle, rest } of all) {
    const others = all.filter((other) => other.close !== close).map((other) => other.handle)
    const disguised = [new Proxy(handle, {}), Object.create(handle), { ...handle }, structuredClone(handle)]
    for (const other of [...foreign, ...others, ...disguised]) {
      assert.throws(() => call(use, other, ...rest), wrong, use)
      assert.throws(() => call(close, other), wrong, close)
    }
    assert.doesNotThrow(() => call(use, Object.freeze(handle), ...rest), use)
  }
})

test('a closed handle is refused by every function but close', () => {
  using directory = shmDirectory()
  for (const { use, close, handle, rest } of everyHandle(directory.file)) {
    call(close, handle)
    call(close, handle)
    assert.throws(() => call(use, handle, ...rest), wrong)
  }
})

test('the other side of a ring is refused', () => {
  using directory = shmDirectory()
  const bytes = new Uint8Array(64)
  assert.throws(() => addon.ringPop(addon.ringOpen(directory.file('ring'), true, 64, 4), bytes), wrong)
  assert.throws(() => addon.ringPush(addon.ringOpen(directory.file('ring'), false, 64, 4), bytes), wrong)
})

test('bytes of the wrong kind or length are refused by every function', () => {
  using directory = shmDirectory()
  const lengths = [0, 1, 7, 63, 65, 127].map((length) => new Uint8Array(length))
  const kinds = [new Int8Array(64), new Uint8ClampedArray(64), new Float64Array(8), new BigUint64Array(8)]
  const others = [
    undefined,
    null,
    'bytes',
    {},
    { length: 64 },
    [1, 2],
    new DataView(new ArrayBuffer(64)),
    new ArrayBuffer(64),
  ]
  for (const { use, handle, rest } of memoryHandles(directory.file)) {
    const before = rest.slice(0, -1)
    const fits =
      use === 'windowCopy' ? lengths.filter((array) => array.length % 8 !== 0) : [...lengths, detached(), outOfBounds()]
    for (const bytes of [...fits, ...kinds, ...others])
      assert.throws(() => call(use, handle, ...before, bytes), wrong, use)
    const shared = new Uint8Array(new SharedArrayBuffer(64))
    assert.doesNotThrow(() => call(use, handle, ...before, shared), use)
    assert.throws(() => call(use, handle), wrong)
    assert.throws(() => call(use, handle, ...rest, 0), wrong)
  }
})

test('what was sealed has exactly these bytes, and nobody can change one, not even through its descriptor', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251)
  const sealed = addon.sealedCreate('library', bytes)
  const path = `/proc/self/fd/${addon.sealedDescriptor(sealed)}`
  assert.ok(readFileSync(path).equals(bytes))
  const forbidden = { code: 'EPERM' }
  for (const change of [
    () => truncateSync(path, 0),
    () => truncateSync(path, 200_000),
    () => appendFileSync(path, 'x'),
  ])
    assert.throws(change, forbidden)
  const fd = openSync(path, 'r+')
  assert.throws(() => writeSync(fd, 'x', 0), forbidden)
  closeSync(fd)
  addon.sealedClose(sealed)
  assert.throws(() => readlinkSync(path), { code: 'ENOENT' })
})

test('CPU time is that of the process that is named, and null of none', () => {
  const before = addon.processCpuNanoseconds(process.pid) as bigint
  const start = process.cpuUsage()
  while (process.cpuUsage(start).user < 5000) {}
  assert.ok((addon.processCpuNanoseconds(process.pid) as bigint) - before >= 5_000_000n)
  for (const pid of [0, 2 ** 22 + 1, 2 ** 32 - 1]) assert.equal(addon.processCpuNanoseconds(pid), null)
})

test('a window is not left', () => {
  using directory = shmDirectory()
  writeFileSync(directory.file('window'), Buffer.alloc(124, 7))
  const window = addon.windowOpen(directory.file('window'), 124)
  const past: readonly [number, number][] = [
    [128, 0],
    [120, 8],
    [8, 120],
    [0, 128],
    [4, 8],
    [2 ** 32 - 8, 8],
    [2 ** 32 - 8, 16],
  ]
  for (const [offset, length] of past) {
    assert.throws(() => addon.windowCopy(window, offset, new Uint8Array(length)), wrong, `${offset} ${length}`)
  }
  const last = new Uint8Array(8)
  addon.windowCopy(window, 112, last)
  assert.deepEqual(last, new Uint8Array(8).fill(7))
  addon.windowCopy(window, 120, detached())
})

test('a size that is no whole number within its bounds is refused', () => {
  using directory = shmDirectory()
  const sizes = [undefined, null, '64', {}, 64n, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 1e300]
  const open = directory.file('none')
  for (const size of [...sizes, 0, 4, 12, 65_544, 2 ** 32 - 1]) {
    assert.throws(() => call('ringOpen', open, true, size, 16), wrong)
    assert.throws(() => call('latestOpen', open, size), wrong)
  }
  for (const size of [...sizes, 0, 1, 3, 2 ** 21, 2 ** 32 - 1])
    assert.throws(() => call('ringOpen', open, true, 64, size), wrong)
  for (const size of sizes) assert.throws(() => call('windowOpen', open, size), wrong)
  for (const writer of [undefined, null, 0, 1, 'true', {}])
    assert.throws(() => call('ringOpen', open, writer, 64, 16), wrong)
})

test('a path that is no text, has a NUL or is too long is refused, not cut', () => {
  using directory = shmDirectory()
  const long = directory.path.padEnd(4093, '/')
  const paths = [
    undefined,
    null,
    1,
    {},
    '',
    'a\0b',
    `${directory.path}/a\0`,
    long.padEnd(4095, 'a'),
    `${long}€`,
    'a'.repeat(1e6),
  ]
  for (const path of paths) {
    assert.throws(() => call('ringOpen', path, true, 64, 16), wrong)
    assert.throws(() => call('latestOpen', path, 64), wrong)
    assert.throws(() => call('windowOpen', path, 64), wrong)
    assert.throws(() => call('pluginSegmentCreate', path), wrong)
    assert.throws(() => call('lockFile', path), wrong)
    assert.throws(() => call('datagram', path, Buffer.from('x')), wrong)
  }
})

test('no arguments whatever do more than throw an Error', () => {
  using directory = shmDirectory()
  const handles = everyHandle(directory.file).map(({ handle }) => handle)
  const closed = everyHandle((name) => directory.file(`closed-${name}`)).map(({ close, handle }) => {
    call(close, handle)
    return handle
  })
  const odd = [
    detached(),
    outOfBounds(),
    new Uint8Array(new SharedArrayBuffer(64)),
    new Uint8Array(2 ** 20),
    Buffer.alloc(64),
  ]
  // Paths stay in the test's folder, and sizes small enough for shared memory.
  const name = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => directory.file(text.replaceAll(/[/.]/g, '_')))
  const value = fc.oneof(
    fc.constantFrom<unknown>(...handles, ...closed, ...odd),
    fc.constantFrom<unknown>(0, 1, 2, 4, 8, 64, 1024, 65_544, 2 ** 32 - 1, 2 ** 53, -0, true, false),
    fc.uint8Array({ maxLength: 300 }),
    name,
    fc.anything({ key: fc.constant('x'), values: [fc.double(), fc.bigInt(), fc.boolean(), fc.constant(null)] }),
  )
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(addon)), fc.array(value, { maxLength: 6 }), (which, values) => {
      try {
        call(which, ...values)
      } catch (error) {
        assert.ok(error instanceof Error, which)
      }
    }),
    { numRuns: 20_000 },
  )
})

test('a handle that is lost unmaps its file', { timeout: 60_000 }, async () => {
  using directory = shmDirectory()
  const isMapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes(directory.path)
  let lost: Handle[] | undefined = Array.from({ length: 20 }, () => addon.latestOpen(directory.file('latest'), 64))
  assert.ok(lost.length > 0 && isMapped())
  lost = undefined
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  while (isMapped()) {
    collect()
    await setImmediate()
  }
})

test('a thread that is ended in the middle of its work harms nobody', { timeout: 60_000 }, async () => {
  using directory = shmDirectory()
  const program = `
    const { addon } = await import(${JSON.stringify(new URL('./addon.ts', import.meta.url).href)})
    const { parentPort, workerData } = await import('node:worker_threads')
    const latest = addon.latestOpen(workerData, 64)
    const value = new Uint8Array(64)
    addon.latestPublish(latest, value)
    parentPort.postMessage('works')
    for (;;) addon.latestPublish(latest, value)`
  const source = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
  const latest = addon.latestOpen(directory.file('latest'), 64)
  let published = 0n
  for (let thread = 0; thread < 10; thread++) {
    const worker = new Worker(source, { workerData: directory.file('latest') })
    await once(worker, 'message')
    await worker.terminate()
    const number = addon.latestRead(latest, new Uint8Array(64))
    assert.ok(number > published)
    published = number
  }
})
