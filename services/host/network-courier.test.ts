import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import type { CarryRequestsRequest, CarryRequestsResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { createOutbox, type Outbox } from '../../rpc/outbox.ts'
import { until } from '../../test/until.ts'
import { startCourier } from './network-courier.ts'
import { createNetworkGrants } from './network-grants.ts'

/** A courier for runners that the test begins and ends. */
function rig() {
  const runners: { readonly wishes: Outbox<CarryRequestsResponse>; readonly answers: CarryRequestsRequest[] }[] = []
  const lines: string[] = []
  let serving = true
  const courier = startCourier({
    services: {
      async *carryRequests(answers, signal) {
        const runner = { wishes: createOutbox<CarryRequestsResponse>(8), answers: [] as CarryRequestsRequest[] }
        runners.push(runner)
        signal.addEventListener('abort', runner.wishes.close)
        void (async () => {
          for await (const answer of answers) runner.answers.push(answer)
        })()
        yield* runner.wishes
        if (!signal.aborted) throw new RigError('SERVICE_UNAVAILABLE', 'the runner is gone')
      },
    },
    isServing: () => serving,
    grants: createNetworkGrants(),
    log: pino({}, { write: (line) => void lines.push(line) }),
    nowMs: () => performance.now(),
  })
  return {
    courier,
    runners,
    lines,
    serve: (is: boolean) => {
      serving = is
    },
    runner: (index: number) => until(`runner ${index} is carried for`, () => runners[index]),
  }
}

const wish: CarryRequestsResponse = {
  ...{ number: 1, pluginId: 'nobody' },
  wish: { $case: 'http', value: { method: 'GET', url: 'http://a.test/', headers: [], body: Buffer.alloc(0) } },
}

test('a runner that serves is carried for, and so is the next one', async () => {
  const it = rig()
  it.serve(false)
  it.courier.serving()
  it.serve(true)
  it.courier.serving()
  const first = await it.runner(0)
  first.wishes.put(wish)
  await until('it is answered', () => first.answers.length === 1)
  it.serve(false)
  first.wishes.close()
  it.serve(true)
  it.courier.serving()
  const second = await it.runner(1)
  second.wishes.put(wish)
  await until('it is answered, too', () => second.answers.length === 1)
  await Promise.all([it.courier.close(), it.courier.close()])
  assert.equal(it.runners.length, 2)
  assert.deepEqual(it.lines, [], 'the supervisor tells of runners that are gone')
})

test('a stream that breaks is opened again while the runner serves', async () => {
  const it = rig()
  it.courier.serving()
  ;(await it.runner(0)).wishes.close()
  await it.runner(1)
  await it.courier.close()
})

test('nothing is carried after the end', async () => {
  const it = rig()
  await it.courier.close()
  it.courier.serving()
  assert.deepEqual(it.runners, [])
})
