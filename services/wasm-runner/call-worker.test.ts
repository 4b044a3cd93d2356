import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallHearing } from './call-hearing.ts'
import type { CallOutcome, CallTarget } from './call-messages.ts'
import { wordsOfId } from './call-record.ts'
import { startCallWorker } from './call-worker.ts'
import { noRoom } from './network-words.ts'
import { actionOf } from './testing/call.ts'
import { actionModule } from './testing/call-guests.ts'
import { codeOf } from './testing/code.ts'

const nobodyCancels = new AbortController().signal
const nobodyHears: CallHearing = { onLine() {}, onViolation() {}, onNetwork() {} }

/** A thread without a lane, which would end it by the clock. */
async function startThread() {
  const worker = await startCallWorker(nobodyCancels)
  let ticket = 0
  return {
    worker,
    async target(fields: string): Promise<CallTarget> {
      const code = await codeOf(actionModule(fields))
      const grants = { network: { hosts: [], room: noRoom }, preopens: [], fileSystem: [] }
      const [idWords, fuel] = [wordsOfId('a plugin'), Number.MAX_SAFE_INTEGER]
      return { ticket: ++ticket, idWords, code, fuel, stateful: true, ...grants }
    },
    async execute(target: CallTarget, allowedMs: number): Promise<CallOutcome> {
      const wish = { kind: 'action', request: actionOf() } as const
      const answer = await worker.ask({ kind: 'call', target, wish, allowedMs }, nobodyHears)
      return answer.kind === 'done' ? answer.outcome : assert.fail(answer.kind)
    },
    [Symbol.asyncDispose]: () => worker.close(),
  }
}

test('a call that runs for too long is interrupted, and the instances of others on its thread stay', async () => {
  await using it = await startThread()
  const counter = await it.target(`(global $calls (mut i32) (i32.const 0))
    (func (export "execute") (param i32 i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls))`)
  const loops = await it.target('(func (export "execute") (param i32 i32) (result i32) (loop $l (br $l)) unreachable)')
  for (const count of [1, 2, 3]) {
    assert.equal((await it.execute(counter, 60_000)).code, count)
    const { fault } = await it.execute(loops, 100)
    assert.equal(fault?.kind, 'budget')
    assert.match(fault.detail, /^execute was interrupted: it ran for \d+ µs, and may run for 90000 µs$/)
  }
})
