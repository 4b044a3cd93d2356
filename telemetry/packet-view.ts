/** Little-endian fields of one packet. Offsets are the decoder's own constants, below the length that it checked. */
export interface PacketView {
  readonly f32: (offset: number) => number
  /** Four successive f32: front left, front right, rear left, rear right. */
  readonly wheels: (offset: number) => readonly [number, number, number, number]
  readonly s32: (offset: number) => number
  readonly u32: (offset: number) => number
  readonly s16: (offset: number) => number
  readonly u16: (offset: number) => number
  readonly s8: (offset: number) => number
  readonly u8: (offset: number) => number
}

export function viewPacket(bytes: Uint8Array): PacketView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const f32 = (offset: number): number => view.getFloat32(offset, true)
  return {
    f32,
    wheels: (offset) => [f32(offset), f32(offset + 4), f32(offset + 8), f32(offset + 12)],
    s32: (offset) => view.getInt32(offset, true),
    u32: (offset) => view.getUint32(offset, true),
    s16: (offset) => view.getInt16(offset, true),
    u16: (offset) => view.getUint16(offset, true),
    s8: (offset) => view.getInt8(offset),
    u8: (offset) => view.getUint8(offset),
  }
}
