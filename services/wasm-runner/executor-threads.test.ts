import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { test } from 'node:test'
import { pino } from 'pino'
import type { PluginCode } from './compile.ts'
import { type ExecutorThreads, startExecutorThreads } from './executor-threads.ts'
import { noRoom } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms } from './plugin-terms.ts'
import { codeOf } from './testing/code.ts'
import { guestModule, op } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'

/** Units a µs: so much that nothing runs out of it, and the watchdog is all that there is. */
const onlyWatched = { unitsPerUs: 1e9, unguarded: true }

async function rig() {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  let onTick = (_ticket: number): void => {}
  const threads = await startExecutorThreads({
    shmDir,
    ledCount: 15,
    ...onlyWatched,
    log: pino({ level: 'silent' }),
    events: {
      onTick: ({ ticket }) => onTick(ticket),
      onViolation() {},
      onLost() {},
      onMoved() {},
      onLog() {},
      onNetwork() {},
    },
  })
  return {
    threads,
    /** The tickets of the ticks from now on, until `ticket` has ticked twenty times. */
    tickersUntil: (ticket: number) =>
      new Promise<ReadonlySet<number>>((resolve) => {
        const counts = new Map<number, number>()
        onTick = (each) => {
          counts.set(each, (counts.get(each) ?? 0) + 1)
          if (counts.get(ticket) === 20) resolve(new Set(counts.keys()))
        }
      }),
    async [Symbol.asyncDispose]() {
      await threads.close()
      await rm(shmDir, { recursive: true })
    },
  }
}

const orderOf = (ticket: number, spec: PluginSpec, code: PluginCode) => ({
  ...{ ticket, spec, code, terms: firstTerms(spec), replaces: undefined, room: noRoom },
})
const suspectBytes = 'f'.repeat(64)

/** Has the bytes caught: they loop while they are loaded. */
async function catchSuspect(threads: ExecutorThreads): Promise<void> {
  const code = await codeOf(guestModule({ initialize: [...op.loopForever, ...op.i32(0)] }))
  const order = orderOf(1, specOf({ sha256: suspectBytes }), code)
  await assert.rejects(threads.start(order), /did not return/)
  await threads.stop(1)
}

test('a suspect that is stopped while its thread is being started does not run', async () => {
  await using it = await rig()
  const { threads } = it
  await catchSuspect(threads)
  const spec = specOf({ sha256: suspectBytes })
  const code = await codeOf(guestModule())
  const starting = threads.start(orderOf(2, spec, code)).catch(() => 'was stopped')
  await threads.stop(2)
  await starting
  // Both would run at 100 Hz on one grid: where 3 has ticked twenty times, 2 would have ticked as well.
  await threads.start(orderOf(3, spec, code))
  assert.deepEqual([...(await it.tickersUntil(3))], [3])
})

test('the threads are closed while the one of the suspects is being started, and closing repeats safely', async () => {
  await using it = await rig()
  const { threads } = it
  await catchSuspect(threads)
  const code = await codeOf(guestModule())
  const starting = threads.start(orderOf(2, specOf({ sha256: suspectBytes }), code))
  starting.catch(() => undefined)
  await Promise.all([threads.close(), threads.close()])
})
