import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExecuteActionRequest, ProcessInputStart } from '../../gen/proto/openracing/v1/plugin.ts'
import { LoadOnCallPluginRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { collectInput, parseAction, parseStart } from './call-request.ts'
import { parseOnCallRequest } from './on-call-spec.ts'

const isRefused = (sentence: RegExp) => (cause: unknown) =>
  cause instanceof RigError && cause.code === 'REQUEST_INVALID' && sentence.test(cause.detail)

type Action = Parameters<typeof ExecuteActionRequest.fromPartial>[0]
const action = (part: Action) => parseAction(ExecuteActionRequest.fromPartial({ action: 'play', ...part }), 1234)

test('an action is complete: what the client left out is null, and the time is now', () => {
  assert.deepEqual(action({}), {
    ...{ action: 'play', parameters: [] },
    context: {
      ...{ velocity: null, note: null, cc: null, value: null, currentMode: null },
      ...{ timestamp: 1234, metadata: {} },
    },
  })
  const full = action({
    parameters: ['a'],
    context: { velocity: 127, note: 0, timestampMs: 5n, metadata: [{ key: '__proto__', value: 'x' }] },
  })
  assert.deepEqual([full.context.velocity, full.context.note, full.context.timestamp], [127, 0, 5])
  assert.equal(JSON.stringify(full.context.metadata), '{"__proto__":"x"}')
})

test('what is out of bounds is refused with the field, the value and the bound', () => {
  assert.throws(() => action({ action: '' }), isRefused(/^action is empty; send/))
  for (const field of ['velocity', 'note', 'cc', 'value'])
    assert.throws(
      () => action({ context: { [field]: 128 } }),
      isRefused(new RegExp(`^context.${field} is 128; send 0 to 127`)),
    )
  assert.throws(() => action({ context: { timestampMs: 2n ** 60n } }), isRefused(/^context.timestamp_ms is /))
  assert.throws(() => action({ parameters: ['x'.repeat(65_536)] }), isRefused(/bytes of JSON; send at most 65536$/))
  const metadata = Array.from({ length: 65 }, (_, index) => ({ key: `${index}`, value: '' }))
  assert.throws(() => action({ context: { metadata } }), isRefused(/entries in context.metadata is 65; send 0 to 64/))
})

test('the beginning of an input is checked, and what is left out has the usual value', () => {
  const start = (part: Parameters<typeof ProcessInputStart.fromPartial>[0]) =>
    parseStart(ProcessInputStart.fromPartial(part))
  assert.deepEqual(start({}), {
    ...{ operation: 'process', parameters: new Uint8Array(0), outputBytes: undefined, elementBytes: 1 },
  })
  assert.throws(() => start({ operation: 'a\nb' }), isRefused(/^operation is "a\\nb"; send the name of an export/))
  assert.throws(
    () => start({ parameters: Buffer.alloc(65_537) }),
    isRefused(/bytes in parameters is 65537; send 0 to 65536/),
  )
  assert.throws(
    () => start({ outputBytes: (64 << 20) + 1 }),
    isRefused(/^output_bytes is 67108865; send 0 to 67108864/),
  )
  assert.throws(() => start({ elementBytes: 9 }), isRefused(/^element_bytes is 9; send 0 to 8/))
})

test('an input is its pieces, and one that is too large is refused before all of it is there', async () => {
  let sent = 0
  const hold = (): void => {}
  async function* pieces(count: number, bytes: number) {
    for (; sent < count; sent++) yield Buffer.alloc(bytes, `${sent % 10}`)
  }
  assert.equal(Buffer.from(await collectInput(pieces(3, 2), hold)).toString(), '001122')
  sent = 0
  await assert.rejects(
    collectInput(pieces(1, (1 << 20) + 1), hold),
    isRefused(/a piece of the input is 1048577 bytes; send pieces of/),
  )
  sent = 0
  await assert.rejects(collectInput(pieces(1000, 1 << 20), hold), isRefused(/the input is more than 67108864 bytes/))
  assert.equal(sent, 64)
})

test('a plugin that is called is loaded within the ceilings of its dialects', () => {
  const good = {
    ...{ id: 'Keys', name: 'Keys', path: '/x.wasm', sha256: 'AB'.repeat(32) },
    ...{ maxExecutionTimeUs: 5_000_000, maxMemoryBytes: 128n << 20n, stateful: true },
  }
  const parse = (part: Partial<typeof good> = {}) =>
    parseOnCallRequest(LoadOnCallPluginRequest.fromPartial({ ...good, ...part }))
  const { id, sha256, deadlineMs, memoryBytes, stateful } = parse()
  assert.deepEqual([id, sha256, deadlineMs, memoryBytes, stateful], ['keys', 'ab'.repeat(32), 5000, 134_217_728, true])
  assert.throws(() => parse({ id: '../x' }), isRefused(/^id is "\.\.\/x"; send/))
  assert.throws(() => parse({ path: 'x.wasm' }), isRefused(/^path is/))
  assert.throws(
    () => parse({ maxExecutionTimeUs: 5_000_001 }),
    isRefused(/^max_execution_time_us is 5000001; send 1000 to/),
  )
  assert.throws(() => parse({ maxMemoryBytes: (128n << 20n) + 1n }), isRefused(/^max_memory_bytes is 134217729; send/))
})
