import { type ForzaFormat, forzaBytes } from './forza.ts'
import { viewPacket } from './packet-view.ts'

// A dump is datagrams of one size laid end to end, without framing. Four sizes are possible; the right one divides the
// file and finds a car in nearly every packet.

export type ForzaDump =
  | { readonly kind: 'dump'; readonly format: ForzaFormat; readonly packets: readonly Uint8Array[] }
  | { readonly kind: 'no-dump'; readonly reason: string }

/** Share of packets that must look like a car or a menu. The rest may be damaged: they are refused one by one. */
const plausibleShare = 0.9

/** Cuts a dump into datagrams. The packets are views of `bytes`, not copies. */
export function readForzaDump(bytes: Uint8Array): ForzaDump {
  const fitting = formats.filter((format) => bytes.byteLength > 0 && bytes.byteLength % forzaBytes[format] === 0)
  if (fitting.length === 0) {
    return { kind: 'no-dump', reason: `${bytes.byteLength} bytes is no multiple of 232, 311, 324 or 331` }
  }
  const cut = fitting.map((format) => ({ format, packets: packetsOf(bytes, forzaBytes[format]) }))
  const best = cut
    .map((dump) => ({
      ...dump,
      cars: dump.packets.filter(showsCar).length,
      menus: dump.packets.filter(showsMenu).length,
    }))
    .filter(({ cars, menus, packets }) => cars > 0 && cars + menus >= packets.length * plausibleShare)
    .toSorted((a, b) => (b.cars + b.menus) / b.packets.length - (a.cars + a.menus) / a.packets.length)[0]
  if (best === undefined) {
    return {
      kind: 'no-dump',
      reason: `in datagrams of ${fitting.map((format) => forzaBytes[format]).join(' or ')} bytes there is no car`,
    }
  }
  return { kind: 'dump', format: best.format, packets: best.packets }
}

const formats = Object.keys(forzaBytes) as ForzaFormat[]

const packetsOf = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: bytes.byteLength / size }, (_, index) => bytes.subarray(index * size, (index + 1) * size))

const showsMenu = (packet: Uint8Array): boolean => viewPacket(packet).s32(0) === 0

/** Bounds that no car of the games leaves: 30 000 rev/min, 100 g (a crash is 50), three kinds of drivetrain, 16 cylinders. */
function showsCar(packet: Uint8Array): boolean {
  const view = viewPacket(packet)
  const drivetrain = view.s32(224)
  const cylinders = view.s32(228)
  return (
    view.s32(0) === 1 &&
    view.f32(8) > 0 &&
    view.f32(8) <= 30_000 &&
    Math.abs(view.f32(16)) <= 30_000 &&
    [20, 24, 28].every((offset) => Math.abs(view.f32(offset)) < 1000) &&
    drivetrain >= 0 &&
    drivetrain <= 2 &&
    cylinders >= 0 &&
    cylinders <= 16
  )
}
