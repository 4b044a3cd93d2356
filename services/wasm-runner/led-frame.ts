import { ledFrame as field, ledFrameBytes } from '../../gen/layout.ts'

/** The frame before any plugin drew one: every LED dark. `ledCount`: 1..64. */
export function darkFrame(ledCount: number): Uint8Array {
  const frame = new Uint8Array(ledFrameBytes)
  new DataView(frame.buffer).setUint32(field.led_count.offset, ledCount, true)
  return frame
}

/**
 * What may be shown of a frame that a plugin drew: brightness within 0..1, nothing behind the last LED, nothing in
 * the reserved word. Undefined when it claims more LEDs than the rim's `ledCount`.
 */
export function shownFrame(drawn: Uint8Array, ledCount: number): Uint8Array | undefined {
  const frame = new Uint8Array(drawn)
  const view = new DataView(frame.buffer)
  const count = view.getUint32(field.led_count.offset, true)
  if (count > ledCount) return undefined
  const brightness = view.getFloat32(field.brightness.offset, true)
  view.setFloat32(field.brightness.offset, brightness > 0 ? Math.min(brightness, 1) : 0, true) // NaN is not above 0
  frame.fill(0, field.duration_ms.offset + field.duration_ms.bytes, field.rgb.offset)
  frame.fill(0, field.rgb.offset + count * 3)
  return frame
}
