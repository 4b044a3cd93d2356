import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ledFrame, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { noGuard } from './guard.ts'
import { type InstanceNeeds, instantiate, operationCode } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import { createPostOffice } from './mailbox.ts'
import type { NetworkWord } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { codeOf } from './testing/code.ts'
import { offline } from './testing/offline.ts'
import { buildWithSdk } from './testing/samples.ts'
import { specOf } from './testing/specs.ts'
import { createThreadNetwork } from './thread-network.ts'

async function start(process: string, part: Partial<PluginSpec> = {}, needs: Partial<InstanceNeeds> = {}) {
  const lines: string[] = []
  const mail = createPostOffice()
  const spec = specOf(part)
  mail.open(spec.id)
  const log = (level: string, line: string): number => lines.push(`${level} ${line}`)
  const instance = instantiate(await codeOf(await buildWithSdk(process)), spec, {
    unitsPerUs: 7000,
    guard: noGuard,
    mail,
    log,
    now: () => 0,
    ...offline,
    ...needs,
  })
  const run = (frame = new Uint8Array(telemetryFrameBytes)): number => {
    instance.prepare(frame, darkFrame(15), undefined, 70_000_000)
    return instance.process(operationCode.TelemetryProcessor)
  }
  return { instance, lines, mail, spec, run }
}

test('every field that the host writes is where the SDK reads it', async () => {
  const numbers = Object.entries(telemetryFrame).filter(([, { kind }]) => kind !== 'bytes')
  // Field number n holds n + 1; the plugin answers with the first that does not.
  const checks = numbers.map(([name], index) => `if (<f64>telemetry.${name} != ${index + 1}) return ${index + 1}`)
  const wheels = ['slip_angle', 'tire_temp', 'tire_pressure'] as const
  const wheelChecks = wheels.flatMap((field, row) =>
    ['fl', 'fr', 'rl', 'rr'].map(
      (wheel, column) => `if (telemetry.${field}_${wheel} != ${row * 4 + column}) return ${900 + row}`,
    ),
  )
  const { run } = await start(`${[...checks, ...wheelChecks].join('\n')}\nreturn 0`)
  const frame = new Uint8Array(telemetryFrameBytes)
  const view = new DataView(frame.buffer)
  numbers.forEach(([, { offset, kind }], index) => {
    if (kind === 'u64') view.setBigUint64(offset, BigInt(index + 1), true)
    else if (kind === 'f32') view.setFloat32(offset, index + 1, true)
    else view.setUint32(offset, index + 1, true)
  })
  wheels.forEach((field, row) => {
    for (let column = 0; column < 4; column++) {
      view.setFloat32(telemetryFrame[field].offset + column * 4, row * 4 + column, true)
    }
  })
  assert.equal(run(frame), 0)
})

test('the names of car, track and session are read as far as they go, and all 24 bytes when they are full', async () => {
  const { run } = await start(`
    if (telemetry.carId() != 'gt3') return -10
    if (telemetry.trackId() != 'Nürburgring-Nordschlei') return -11
    return telemetry.sessionId().length`)
  const frame = new Uint8Array(telemetryFrameBytes)
  frame.set(Buffer.from('gt3'), telemetryFrame.car_id.offset)
  frame.set(Buffer.from('Nürburgring-Nordschlei'), telemetryFrame.track_id.offset)
  frame.set(Buffer.from('abcdefghijklmnopqrstuvwx'), telemetryFrame.session_id.offset)
  assert.equal(run(frame), 24)
})

test('an LED that the rim does not have is not drawn', async () => {
  const { run, instance } = await start('leds.set(14, 1, 2, 3); leds.set(15, 9, 9, 9); return 0')
  run()
  assert.deepEqual(
    [...instance.leds().subarray(ledFrame.rgb.offset + 14 * 3, ledFrame.rgb.offset + 16 * 3)],
    [1, 2, 3, 0, 0, 0],
  )
})

test('flags are asked for together', async () => {
  const { run } = await start('return telemetry.has(sdk.Flag.RED | sdk.Flag.SESSION_PAUSED) ? 1 : 0')
  const flagged = (flags: number): number => {
    const frame = new Uint8Array(telemetryFrameBytes)
    new DataView(frame.buffer).setUint32(telemetryFrame.flags.offset, flags, true)
    return run(frame)
  }
  assert.equal(flagged(2), 0)
  assert.equal(flagged(2 | (1 << 18)), 1)
})

test('every host function can be called from the SDK', async () => {
  const { run, lines, mail, spec, instance } = await start(`
    sdk.logDebug('d'); sdk.logInfo('ünï'); sdk.logWarn('w'); sdk.logError('e')
    if (sdk.checkCapability('read_telemetry') != 1) return -10
    if (sdk.checkCapability('network') != sdk.Result.PERMISSION_DENIED) return -11
    if (sdk.timestampUs() != 0) return -12
    if (sdk.setCustomData('mood', '{"ok":true}') != sdk.Result.OK) return -13
    if (sdk.setCustomCount('most', u64.MAX_VALUE) != sdk.Result.OK) return -14
    if (sdk.setCustomCount('none', 0) != sdk.Result.OK) return -15
    const place = memory.data(8)
    if (sdk.receiveMessage(place, 8) != 2) return -16
    if (sdk.sendMessage('another', place, 2) != sdk.Result.OK) return -17
    return sdk.sendMessage('nobody', place, 2)`)
  mail.open('another')
  mail.send(spec.id, Buffer.from('hi'))
  assert.equal(run(), -1)
  assert.deepEqual(lines, ['debug d', 'info ünï', 'warn w', 'error e'])
  assert.equal(Buffer.from(mail.peek('another')!).toString(), 'hi')
  assert.deepEqual(Object.fromEntries(instance.customData), {
    mood: '{"ok":true}',
    most: '18446744073709551615',
    none: '0',
  })
})

test('a text that is too long for the SDK is cut off, and the memory after it stays as it is', async () => {
  const { run, lines } = await start(`sdk.logInfo('€'.repeat(300)); sdk.setCustomCount('n', 7); return 0`)
  assert.equal(run(), 0)
  assert.deepEqual(lines, [`info ${'€'.repeat(256)}`])
})

test('the network can be called from the SDK', async () => {
  const room = new SharedArrayBuffer(4)
  new Int32Array(room)[0] = 1
  const thread = createThreadNetwork()
  const words: NetworkWord[] = []
  const { run, lines } = await start(
    `
    const handle = sdk.timestampUs() == 0 ? 1 : 0
    if (sdk.httpStatus(handle) == sdk.Http.UNKNOWN) {
      if (sdk.httpGet('http://b.test/') != sdk.Http.REFUSED) return -10
      if (sdk.httpRequest('{}') != sdk.Result.INVALID_ARGUMENT) return -11
      if (sdk.udpSend('a.test:9', changetype<usize>('x'), 2) != sdk.Result.OK) return -12
      if (sdk.httpGet('http://a.test/ü') != 1) return -13
      return sdk.httpStatus(1) == sdk.Http.UNDER_WAY ? 0 : -14
    }
    const place = memory.data(8)
    if (sdk.httpHeader(handle, 'X-Lap', place, 8) != 2 || load<u16>(place) != 0x3234) return -15
    if (sdk.httpRead(handle, place, 1) != 1 || load<u8>(place) != 0x21) return -16
    const text = sdk.httpText(handle)
    sdk.logInfo(text.length.toString() + text.charAt(4094) + text.charAt(4095))
    return sdk.httpClose(handle) == sdk.Http.UNKNOWN ? 1 : -17`,
    { capabilities: ['Network'], network: ['a.test', 'a.test:9'] },
    { network: { room, thread, tell: (word) => void words.push(word) } },
  )
  assert.equal(run(), 0)
  assert.deepEqual(
    words.map((word) => (word.kind === 'ask' ? word.url : word.kind === 'datagram' ? word.to : '')),
    ['a.test:9', 'http://a.test/%C3%BC'],
  )
  // A character of two bytes lies across the border of the first piece.
  const body = Buffer.from(`!${'a'.repeat(4095)}é${'b'.repeat(100)}`)
  thread.deliver({ number: 1, answer: { kind: 'response', status: 200, headers: [['x-lap', '42']], body } })
  assert.equal(run(), 1)
  assert.equal(lines.at(-1), 'info 4196aé')
})
