import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'

type Write = (view: DataView, text: string) => void

const whole = (text: string): bigint => {
  if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number.`)
}

/** A number that the type holds; a write of a larger one would be cut without a word. */
function within(text: string, bits: number, signed: boolean): bigint {
  const value = whole(text)
  const fits = signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value
  if (fits) return value
  throw new InvalidArgumentError(`${text} does not fit into ${signed ? 'i' : 'u'}${bits}.`)
}

function real(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a number.`)
}

/** What a block is made of, little-endian as WebAssembly's memory is. */
const types: Readonly<Record<string, { readonly bytes: number; readonly write: Write }>> = {
  u8: { bytes: 1, write: (view, text) => view.setUint8(0, Number(within(text, 8, false))) },
  i8: { bytes: 1, write: (view, text) => view.setInt8(0, Number(within(text, 8, true))) },
  u16: { bytes: 2, write: (view, text) => view.setUint16(0, Number(within(text, 16, false)), true) },
  i16: { bytes: 2, write: (view, text) => view.setInt16(0, Number(within(text, 16, true)), true) },
  u32: { bytes: 4, write: (view, text) => view.setUint32(0, Number(within(text, 32, false)), true) },
  i32: { bytes: 4, write: (view, text) => view.setInt32(0, Number(within(text, 32, true)), true) },
  u64: { bytes: 8, write: (view, text) => view.setBigUint64(0, within(text, 64, false), true) },
  i64: { bytes: 8, write: (view, text) => view.setBigInt64(0, within(text, 64, true), true) },
  f32: { bytes: 4, write: (view, text) => view.setFloat32(0, real(text), true) },
  f64: { bytes: 8, write: (view, text) => view.setFloat64(0, real(text), true) },
}

function encode(item: string): Uint8Array {
  const [name = '', ...rest] = item.split(':')
  const type = Object.hasOwn(types, name) ? types[name] : undefined
  if (type === undefined || rest.length !== 1) {
    throw new InvalidArgumentError(
      `${JSON.stringify(item)} is not type:value; the types are ${Object.keys(types).join(', ')}.`,
    )
  }
  const bytes = new Uint8Array(type.bytes)
  type.write(new DataView(bytes.buffer), rest[0] as string)
  return bytes
}

/**
 * The bytes that `u32:640,f32:0.5` stands for: one value behind the other, without padding, as `#[repr(C)]` has them when
 * each is aligned anyway. `@FILE` stands for a file's bytes. Throws commander's InvalidArgumentError.
 */
export function parseParameters(text: string): Uint8Array {
  if (!text.startsWith('@')) return Buffer.concat(text.split(',').map((item) => encode(item.trim())))
  try {
    return readFileSync(text.slice(1))
  } catch (cause) {
    throw new InvalidArgumentError(`${text.slice(1)} cannot be read (${(cause as Error).message}).`)
  }
}
