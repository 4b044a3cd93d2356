import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { test } from 'node:test'
import { pino } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import type { PluginCode } from './compile.ts'
import { startExecutor } from './executor-client.ts'
import { startWorker } from './executor-worker.ts'
import { noRoom } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms } from './plugin-terms.ts'
import { keepSpare } from './spare.ts'
import { codeOf } from './testing/code.ts'
import { guestModule } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'

async function rig() {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  let onTick = (_ticket: number): void => {}
  let onMoved = (_ticket: number): void => {}
  const spare = keepSpare((unneeded) => startWorker({ shmDir, ledCount: 15 }, unneeded))
  const client = await startExecutor({
    role: 'common',
    spare,
    log: pino({ level: 'silent' }),
    events: {
      onTick: ({ ticket }) => onTick(ticket),
      onMoved: (ticket) => onMoved(ticket),
      onLost: (ticket, detail) => assert.fail(`${ticket} was lost: ${detail}`),
      onViolation: (ticket, { detail }) => assert.fail(`${ticket} is charged: ${detail}`),
      onCaught: ({ ticket }) => assert.fail(`${ticket} was caught`),
      onLog() {},
      onNetwork: (ticket) => assert.fail(`${ticket} asks for something of the network`),
    },
  })
  return {
    client,
    code: await codeOf(guestModule()),
    /** Resolves with the first tick from now on that is `enough`. */
    ticksUntil: (enough: (ticket: number) => boolean) =>
      new Promise<void>((resolve) => {
        onTick = (ticket) => {
          if (enough(ticket)) resolve()
        }
      }),
    nextMove: () =>
      new Promise<number>((resolve) => {
        onMoved = resolve
      }),
    async [Symbol.asyncDispose]() {
      await client.close()
      await spare.close()
      await rm(shmDir, { recursive: true })
    },
  }
}

const orderOf = (ticket: number, spec: PluginSpec, code: PluginCode) => ({
  ...{ ticket, spec, code, terms: firstTerms(spec), replaces: undefined, room: noRoom },
})

/** An order that the executor cannot read: parseLoadRequest makes none like it. */
const unreadable = specOf({ operations: undefined as never })

test('an executor that fails by itself is replaced: the order that it was at is refused, what ran runs on', async () => {
  await using it = await rig()
  const { client, code } = it
  await client.start(orderOf(1, specOf(), code))
  await it.ticksUntil((ticket) => ticket === 1)
  const moved = it.nextMove()
  await assert.rejects(
    client.start(orderOf(2, unreadable, code)),
    (cause) => cause instanceof RigError && cause.code === 'PLUGIN_FAILED' && /executor failed/.test(cause.message),
  )
  assert.equal(await moved, 1)
  await it.ticksUntil((ticket) => ticket === 1)
})

test('a plugin that is stopped while there is no executor does not come back with the next one', async () => {
  await using it = await rig()
  const { client, code } = it
  await client.start(orderOf(1, specOf(), code))
  await client.start(orderOf(3, specOf(), code))
  await assert.rejects(client.start(orderOf(2, unreadable, code)))
  await client.stop(3)
  // Both were started at 100 Hz on one grid: where 1 has ticked twenty times, 3 would have ticked as well.
  const ticks: number[] = []
  await it.ticksUntil((ticket) => {
    ticks.push(ticket)
    return ticks.filter((each) => each === 1).length === 20
  })
  assert.equal(ticks.includes(3), false)
})

test('an executor that is closed while it is being replaced stays closed, and closing repeats safely', async () => {
  await using it = await rig()
  const { client, code } = it
  await assert.rejects(client.start(orderOf(2, unreadable, code)))
  await Promise.all([client.close(), client.close()])
})
