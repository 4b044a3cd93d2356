import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { telemetryFrame as layout } from '../gen/layout.ts'
import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { cutToBytes, encodeTelemetryFrame, idBytesMax } from './telemetry-frame.ts'

type Field = keyof typeof layout

/** `slip_angle` is `slipAngle` in the message. */
const propertyOf = (field: Field): string => field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

const textAt = (bytes: Buffer, field: Field): string => {
  const { offset, bytes: length } = layout[field]
  return bytes.toString('utf8', offset, offset + length).replace(/\0+$/, '')
}

function readField(bytes: Buffer, field: Field): unknown {
  const { offset, kind } = layout[field]
  switch (kind) {
    case 'u64':
      return bytes.readBigUInt64LE(offset)
    case 'i32':
      return bytes.readInt32LE(offset)
    case 'u32':
      return bytes.readUInt32LE(offset)
    case 'f32':
      return bytes.readFloatLE(offset)
    case 'bytes':
      return field.endsWith('_id')
        ? textAt(bytes, field)
        : Array.from({ length: 4 }, (_, wheel) => bytes.readFloatLE(offset + wheel * 4))
  }
}

/** A different value for each field, exact in its type. */
function distinctValue(field: Field, index: number): unknown {
  switch (layout[field].kind) {
    case 'u64':
      return BigInt(index) + 2n ** 40n
    case 'bytes':
      return field.endsWith('_id') ? `id ${index}` : [index, index + 0.25, index + 0.5, index + 0.75]
    case 'f32':
      return index + 0.125
    default:
      return index
  }
}

test('every field of the layout holds what the frame says, and nothing else', () => {
  const fields = Object.keys(layout) as Field[]
  const values = new Map(fields.map((field, index) => [field, distinctValue(field, index + 1)]))
  const message = Object.fromEntries(fields.map((field) => [propertyOf(field), values.get(field)]))
  const bytes = encodeTelemetryFrame(TelemetryFrame.fromPartial(message))
  for (const field of fields) assert.deepEqual(readField(bytes, field), values.get(field), field)
  const covered = new Set(
    fields.flatMap((field) => Array.from({ length: layout[field].bytes }, (_, index) => layout[field].offset + index)),
  )
  for (const [at, byte] of bytes.entries()) if (!covered.has(at)) assert.equal(byte, 0, `reserved byte ${at}`)
})

test('what a game does not send is zero in the frame', () => {
  assert.deepEqual(encodeTelemetryFrame(TelemetryFrame.fromPartial({})), Buffer.alloc(256))
})

test('the offsets are those of the contract', () => {
  const offsets = [layout.ffb_scalar, layout.gear, layout.slip_angle, layout.fuel_fraction, layout.session_id]
  assert.deepEqual(
    offsets.map(({ offset }) => offset),
    [16, 40, 76, 124, 216],
  )
})

test('a car id that is too long is cut between characters and ends with NUL', () => {
  const bytes = encodeTelemetryFrame(TelemetryFrame.fromPartial({ carId: `${'x'.repeat(22)}é` }))
  assert.equal(textAt(bytes, 'car_id'), 'x'.repeat(22))
  assert.equal(bytes[layout.car_id.offset + idBytesMax], 0)
  assert.equal(bytes[layout.track_id.offset], 0)
})

test('text that is cut is a beginning of the text, within its bytes, and loses at most one character for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 0, max: 30 }), (text, maxBytes) => {
      const cut = cutToBytes(text, maxBytes)
      assert.ok(text.startsWith(cut))
      const length = Buffer.byteLength(cut)
      assert.ok(length <= maxBytes)
      const next = [...text.slice(cut.length)][0]
      assert.ok(next === undefined || length + Buffer.byteLength(next) > maxBytes)
    }),
  )
})
