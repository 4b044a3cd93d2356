import assert from 'node:assert/strict'
import { test } from 'node:test'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import type { HostFunction } from './abi.ts'
import { createCustomData } from './custom-data.ts'
import { createLineAllowance } from './guest-log.ts'
import { createHostImports } from './host-imports.ts'
import { createPostOffice } from './mailbox.ts'
import { guestModule } from './testing/guest-module.ts'

const [id, friend] = ['one', 'two']
/** Where things are in the memory: an id, a message that is JSON as well, a capability; and room. */
const [at, text, capability, room] = [64, '123', 'read_telemetry', 1024]
const here = { friend: at, text: at + friend.length, capability: at + friend.length + text.length }

/** The functions of a guest that was granted everything, and whatever they can act on. */
function surroundings(pay: (units: number) => boolean) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(guestModule()), {})
  const memory = exports.memory as WebAssembly.Memory
  const bytes = Buffer.from(memory.buffer)
  bytes.write(friend + text + capability, at)
  bytes.fill(0xee, room, room + 64)
  const mail = createPostOffice()
  for (const each of [id, friend]) mail.open(each)
  mail.send(id, Buffer.from('hello'))
  const customData = createCustomData()
  const lines: string[] = []
  const before = Buffer.from(bytes)
  let [ms, asked] = [0, 0]
  const ask = (): number => ++asked
  const functions = createHostImports({
    id,
    capabilities: () => ['ReadTelemetry', 'ModifyTelemetry', 'InterPluginComm'],
    requested: [],
    memory: () => memory,
    pay,
    telemetry: () => new DataView(new ArrayBuffer(telemetryFrameBytes)),
    customData,
    mail,
    lines: createLineAllowance(0),
    log: (_, line) => void lines.push(line),
    now: () => ms++,
    network: { request: ask, status: ask, read: ask, header: ask, close: ask, send: ask, grant() {}, end() {} },
    refuse: assert.fail,
  })
  return {
    functions,
    /** What can be seen of what was done. */
    done: () => ({
      written: !bytes.equals(before),
      waiting: mail.peek(id) !== undefined,
      sent: mail.peek(friend) !== undefined,
      lines: lines.length,
      data: customData.entries().size,
      asked,
    }),
  }
}
type Done = ReturnType<ReturnType<typeof surroundings>['done']>

const nothing: Done = { written: false, waiting: true, sent: false, lines: 0, data: 0, asked: 0 }
const line = { lines: 1 }
const network = { asked: 1 }
const log = [here.text, text.length]

/** Each function, with parameters that make it act; what it answers and what is done then; and what it answers otherwise. */
const acts: Readonly<Record<HostFunction, readonly [readonly number[], unknown, Partial<Done>, unknown]>> = {
  log_debug: [log, undefined, line, -1],
  log_info: [log, undefined, line, -1],
  log_warn: [log, undefined, line, -1],
  log_error: [log, undefined, line, -1],
  plugin_log: [[1, ...log], undefined, line, -1],
  check_capability: [[here.capability, capability.length], 1, {}, -1],
  get_telemetry: [[room, 32], 0, { written: true }, -1],
  get_timestamp_us: [[], 1000n, {}, 0n],
  set_custom_data: [[here.friend, friend.length, here.text, text.length], 0, { data: 1 }, -1],
  send_message: [[here.friend, friend.length, here.text, text.length], 0, { sent: true }, -1],
  receive_message: [[room, 64], 5, { written: true, waiting: false }, -1],
  http_request: [log, 1, network, -1],
  http_status: [[1], 1, network, -1],
  http_read: [[1, room, 64], 1, network, -1],
  http_header: [[1, ...log, room, 64], 1, network, -1],
  http_close: [[1], 1, network, -1],
  udp_send: [[...log, ...log], 1, network, -1],
}

for (const [name, [parameters, answer, effect, refusal]] of Object.entries(acts)) {
  test(`${name} acts where it was paid for, and does nothing where there is no fuel for it`, () => {
    const act = ({ functions }: ReturnType<typeof surroundings>): unknown =>
      (functions[name as HostFunction] as (...numbers: number[]) => unknown)(...parameters)
    const paid = surroundings(() => true)
    assert.equal(act(paid), answer)
    assert.deepEqual(paid.done(), { ...nothing, ...effect })

    const asked: number[] = []
    const unpaid = surroundings((units) => asked.push(units) < 0)
    assert.equal(act(unpaid), refusal)
    assert.deepEqual(unpaid.done(), nothing)
    assert.ok(asked.length === 1 && asked[0]! >= 15_000, `it was asked for ${asked.join(' and ')}`)
  })
}
