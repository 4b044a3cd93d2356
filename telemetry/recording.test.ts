import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type FailureCode, RigError } from '../rpc/failure.ts'
import { ibtBytes } from './ibt-bytes.ts'
import type { Recording } from './record.ts'
import { type RecordedName, recordedBytes, recordedPath, skipWithout } from './recorded-data.ts'
import { openRecording, recordingFrom } from './recording.ts'

const directory = mkdtempSync(join(tmpdir(), 'openracing-recording-'))
after(() => rmSync(directory, { recursive: true }))

function written(name: string, bytes: Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}

async function refusal(path: string, code: FailureCode, mostBytes?: number): Promise<string> {
  try {
    await openRecording(path, mostBytes)
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === code, String(cause))
    assert.ok(cause.detail.includes(path))
    return cause.detail
  }
  return assert.fail('was opened')
}

const forzaPacket = (size: number, timestampMs: number): Buffer => {
  const packet = Buffer.alloc(size)
  packet.writeInt32LE(1, 0)
  packet.writeUInt32LE(timestampMs, 4)
  packet.writeFloatLE(8000, 8)
  packet.writeFloatLE(5000, 16)
  packet.writeFloatLE(5, 20)
  packet.writeFloatLE(40, 40)
  packet.writeInt32LE(6, 228)
  return packet
}
const forzaDump = (size: number, count: number) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => forzaPacket(size, index * 16)))

const granTurismoPacket = (): Buffer => {
  const packet = Buffer.alloc(368)
  packet.write('0S7G')
  return packet
}

function totals(recording: Recording) {
  const sum = { records: 0, frames: 0, samples: 0, dropped: 0, lastMs: 0 }
  for (const { frame, force, dropped, atMs } of recording.records()) {
    assert.ok(atMs >= sum.lastMs)
    assert.ok(force.every((sample) => sample >= -1 && sample <= 1))
    sum.records++
    sum.frames += frame === undefined ? 0 : 1
    sum.samples += force.length
    sum.dropped += dropped
    sum.lastMs = atMs
  }
  return sum
}

test('a recording is known by what it holds, not by its name, packed or not', async () => {
  const ibt = ibtBytes([{ name: 'Speed', type: 'f32', values: [[1], [2], [3]] }])
  const cases = [
    ['iracing.bin', ibt, 'iracing'],
    ['gt.ibt', granTurismoPacket(), 'gran-turismo'],
    ['forza.gtz', forzaDump(324, 50), 'forza'],
  ] as const
  for (const [name, bytes, kind] of cases) {
    assert.equal((await openRecording(written(name, bytes))).kind, kind)
    assert.equal((await openRecording(written(`${name}.packed`, gzipSync(bytes)))).kind, kind)
  }
})

test('each size of Forza datagrams is found in a dump without framing', () => {
  for (const [size, game] of [
    [232, '(sled)'],
    [311, '7'],
    [324, 'Horizon'],
    [331, '(2023)'],
  ] as const) {
    const recording = recordingFrom(forzaDump(size, 232 * 2), 'dump') // 464 packets: 232 divides every one of these files
    assert.ok(recording.game.endsWith(game), recording.game)
    assert.ok(Math.abs(recording.frameRateHz - 62.5) < 0.01, `${recording.frameRateHz}`)
    assert.deepEqual(totals(recording), {
      records: 464,
      frames: 464,
      samples: 463 * 16 + 1,
      dropped: 0,
      lastMs: 463 * 16,
    })
  }
})

test('a damaged packet in a recording is counted and keeps its time', () => {
  const broken = forzaPacket(311, 160)
  broken.writeFloatLE(Number.NaN, 16)
  const packets = Array.from({ length: 30 }, (_, index) => (index === 10 ? broken : forzaPacket(311, index * 16)))
  assert.deepEqual(totals(recordingFrom(Buffer.concat(packets), 'dump')), {
    records: 30,
    frames: 29,
    samples: 29 * 16 + 1,
    dropped: 1,
    lastMs: 464,
  })
  const games = [granTurismoPacket(), Buffer.alloc(368), granTurismoPacket()]
  assert.deepEqual(
    [...recordingFrom(Buffer.concat(games), 'gt').records()].map(({ dropped }) => dropped),
    [0, 1, 0],
  )
})

test('a file that is missing or no file says so with its path', async () => {
  assert.match(await refusal(join(directory, 'absent.ibt'), 'FILE_MISSING'), /ENOENT/)
  assert.match(await refusal(directory, 'FILE_MISSING'), /is not a file/)
})

test('a file that is no recording says what was found and what can be read', async () => {
  assert.match(await refusal(written('empty', Buffer.alloc(0)), 'RECORDING_INVALID'), /is empty.*readable are/)
  assert.match(
    await refusal(written('text.ibt', Buffer.from('hello, world')), 'RECORDING_INVALID'),
    /68 65 6c 6c 6f.*no multiple/,
  )
  assert.match(
    await refusal(written('zeroes', Buffer.alloc(311 * 4)), 'RECORDING_INVALID'),
    /datagrams of 311 bytes there is no car/,
  )
  assert.match(
    await refusal(written('cut', granTurismoPacket().subarray(0, 300)), 'RECORDING_INVALID'),
    /whole packets of 368/,
  )
  const ibt = Buffer.from(ibtBytes([{ name: 'Speed', type: 'f32', values: [[1]] }]))
  assert.match(
    await refusal(written('cut.ibt', ibt.subarray(0, -1)), 'RECORDING_INVALID'),
    /states 1 records and holds 0/,
  )
})

test('a packed recording that is damaged, or would fill the memory, is refused', async () => {
  const packed = gzipSync(Buffer.alloc(10_000_000))
  assert.match(await refusal(written('bomb', packed), 'RECORDING_INVALID', 1_000_000), /more than 1000000 bytes/)
  assert.match(
    await refusal(written('cut.gz', packed.subarray(0, 500)), 'RECORDING_INVALID'),
    /gzip file that is cut short/,
  )
  assert.match(
    await refusal(written('large', Buffer.alloc(1001)), 'RECORDING_INVALID', 1000),
    /1001 bytes, above the bound of 1000/,
  )
})

test('bytes of any kind are a recording or a clear refusal, and every record of one can be read', () => {
  const start = fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from('0S7G'),
    Buffer.from([2, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0]),
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 1500 }), (head, rest) => {
      try {
        totals(recordingFrom(Buffer.concat([head, rest]), 'noise'))
      } catch (cause) {
        assert.ok(cause instanceof RigError && cause.code === 'RECORDING_INVALID', String(cause))
      }
    }),
    { numRuns: 1000 },
  )
})

const expected: readonly (readonly [RecordedName, string, object])[] = [
  [
    'telemetry/forza_dash_lap.bin.gz',
    'Forza Motorsport 7',
    { records: 5637, frames: 5431, samples: 78_704, dropped: 0 },
  ],
  ['telemetry/gt7_demo_368.gtz', 'Gran Turismo 7', { records: 6914, frames: 6914, samples: 115_217, dropped: 0 }],
  [
    'ffb/itelem_amg_spielberg.ibt.gz',
    'iRacing (mercedesamggt4, spielberg gp)',
    { records: 3371, frames: 3371, samples: 56_181, dropped: 0 },
  ],
]

for (const [name, game, sums] of expected) {
  test(`the recording of ${game} plays from start to end, a thousand samples a second, twice the same`, {
    skip: skipWithout(name),
  }, async () => {
    const recording = await openRecording(recordedPath(name))
    assert.equal(recording.game, game)
    const { lastMs, ...counted } = totals(recording)
    assert.deepEqual(counted, sums)
    assert.ok(Math.abs(counted.samples - lastMs) < 20, `${lastMs} ms`)
    assert.deepEqual(totals(recording), { ...counted, lastMs })
    assert.deepEqual(totals(recordingFrom(recordedBytes(name), name)), { ...counted, lastMs })
  })
}

test('a derived force pulls out of the corner, as the force of a game does', {
  skip: skipWithout('telemetry/forza_dash_lap.bin.gz'),
}, async () => {
  const recording = await openRecording(recordedPath('telemetry/forza_dash_lap.bin.gz'))
  let [against, withIt] = [0, 0]
  for (const { frame, force } of recording.records()) {
    if (frame === undefined || Math.abs(frame.lateralG ?? 0) < 0.5) continue
    for (const sample of force) sample * frame.lateralG! < 0 ? against++ : withIt++
  }
  assert.ok(against > 20 * withIt, `${against} ${withIt}`)
})
