import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { Interruption, openGuard } from './guard.ts'
import { wasmOf } from './testing/wasm-text.ts'

interface Loops {
  nothing(): void
  host(): void
  grow(): void
  count(): number
}

function loopsOn(host: WebAssembly.ImportFunction): Loops {
  const bytes = wasmOf(`(module (import "env" "host" (func $host)) (memory 1) (global $n (mut i32) (i32.const 0))
    (func (export "nothing") (loop $l (br $l)))
    (func (export "host") (loop $l (call $host) (br $l)))
    (func (export "grow") (loop $l (drop (memory.grow (i32.const 0))) (br $l)))
    (func (export "count") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { host } })
  return instance.exports as unknown as Loops
}

const kinds = ['nothing', 'host', 'grow'] as const
/** The Node that package.json names has one. */
const guard = openGuard()!
const interrupted = (cause: unknown): boolean => cause instanceof Interruption

function loop(loops: Loops, kind: (typeof kinds)[number]): void {
  guard.allot(0)
  guard.run(loops[kind])
}

test('a loop of anything is interrupted, and the thread, its event loop and other instances go on', async () => {
  const loops = loopsOn(guard.whole(() => 0))
  const neighbour = loopsOn(() => 0)
  for (let round = 1; round <= 120; round++) {
    assert.throws(() => loop(loops, kinds[round % kinds.length]!), interrupted)
    assert.equal(neighbour.count(), round)
    assert.equal(guard.run(neighbour.count), ++round)
    if (round % 20 === 0) await setImmediate()
  }
  assert.ok(loops.count() === 1, 'the instance itself can be called as well: nothing of it is torn')
})

test('what a call returns or throws comes out as it is', () => {
  guard.allot(1_000_000)
  assert.equal(
    guard.run(() => 7),
    7,
  )
  const cause = new Error('thrown')
  assert.throws(
    () =>
      guard.run(() => {
        throw cause
      }),
    cause,
  )
  assert.equal(
    guard.run(() => guard.run(() => 8)),
    8,
  )
})

test('calls that end about when they would be interrupted return or are interrupted, and nothing later is', () => {
  const neighbour = loopsOn(() => 0)
  const { performance } = globalThis
  const spin = (ms: number): true => {
    const until = performance.now() + ms
    while (performance.now() < until);
    return true
  }
  const ends = { returned: 0, interrupted: 0 }
  // On a busy machine most calls are longer than they look, and on an idle one shorter: until there was enough of both.
  for (let round = 1; (round <= 100 || Math.min(ends.returned, ends.interrupted) < 5) && round < 5000; round++) {
    guard.allot(0)
    try {
      assert.equal(
        guard.run(() => spin(1 + Math.random() * 5)),
        true,
      )
      ends.returned++
    } catch (cause) {
      assert.ok(interrupted(cause), String(cause))
      ends.interrupted++
    }
    for (let after = 0; after < 100; after++) neighbour.count()
  }
  assert.ok(ends.returned > 0 && ends.interrupted > 0, JSON.stringify(ends))
})

test('a host function is done whole, however long its guest has been running', async () => {
  let [begun, done] = [0, 0]
  const host = guard.whole(() => {
    begun++
    // Functions and loops, where V8 would look for a termination.
    for (let step = 0; step < 1000; step++) Math.max(...[step, begun])
    done++
  })
  const loops = loopsOn(host)
  for (let round = 0; round < 300; round++) {
    assert.throws(() => loop(loops, 'host'), interrupted)
    assert.equal(done, begun)
    if (round % 5 === 0) await setImmediate() // an interruption that went too far would end this as well
  }
  host()
  assert.equal(done, begun)
})

test('an interruption says how long the call ran and how long it may', () => {
  const loops = loopsOn(() => 0)
  guard.allot(2000)
  assert.throws(
    () => guard.run(loops.nothing),
    (cause) => cause instanceof Interruption && cause.ranUs > 3000 && cause.mayRunUs === 2000,
  )
})

test('for what a call takes there is a witness, and never for more than it took', () => {
  const unseenUs = 3000
  guard.allot(1_000_000)
  assert.equal(guard.mostUs(), 0)
  const before = threadCpuNanoseconds()
  guard.run(() => {
    while (guard.mostUs() < 20_000) Math.random()
  })
  const tookUs = Number(threadCpuNanoseconds() - before) / 1000
  assert.ok(guard.mostUs() >= 20_000 && guard.mostUs() <= tookUs + unseenUs, `${guard.mostUs()} of ${tookUs} µs`)
  guard.run(() => 0)
  assert.ok(guard.mostUs() >= 20_000 + unseenUs, 'calls of one allotment are counted together')
})

const loopThread = new URL('testing/loop-thread.ts', import.meta.url)
const loopingModule = wasmOf(`(module (import "env" "host" (func $host)) (memory 1)
  (func (export "nothing") (loop $l (br $l)))
  (func (export "host") (loop $l (call $host) (br $l)))
  (func (export "grow") (loop $l (drop (memory.grow (i32.const 0))) (br $l))))`)

test('a thread that is closed while its guests are interrupted ends', async () => {
  for (let round = 0; round < 12; round++) {
    const worker = new Worker(loopThread, { workerData: loopingModule })
    assert.deepEqual(await once(worker, 'message'), ['looping'])
    // Another moment each time: a termination of Node's may meet one of ours.
    for (let turn = 0; turn < round * 300; turn++) await setImmediate()
    assert.equal(await worker.terminate(), 1)
  }
})
