import { gzipSync } from 'node:zlib'

/** A block of a tar, and what follows it, as somebody wants it to be. */
export interface TarPart {
  readonly name: string | Uint8Array
  readonly type?: string
  readonly content?: string | Uint8Array
  /** What the header says, where that is not the size of the content. */
  readonly size?: number
  readonly prefix?: string
  readonly magic?: string
  /** What is added to the checksum, to make it wrong. */
  readonly lie?: number
}

const bytesOf = (text: string | Uint8Array): Buffer => Buffer.from(text as string)

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

function block({ name, type = '0', content = '', size, prefix = '', magic = 'ustar\x0000', lie = 0 }: TarPart): Buffer {
  const header = Buffer.alloc(512)
  const field = (at: number, text: string | Uint8Array): void => void bytesOf(text).copy(header, at)
  field(0, bytesOf(name).subarray(0, 100))
  field(100, '0000777\0')
  field(108, '0000000\x000000000\0')
  field(124, `${(size ?? bytesOf(content).length).toString(8).padStart(11, '0')}\0`)
  field(136, '00000000000\0        ')
  field(156, type)
  field(257, magic)
  field(345, prefix)
  const sum = header.reduce((total, byte) => total + byte, lie)
  field(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return header
}

/** The blocks of a tar that has no end. */
export const openTar = (parts: readonly TarPart[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [block(part), padded(bytesOf(part.content ?? ''))]))

export const tarEnd = Buffer.alloc(1024)

/** A tar, whatever its parts are. */
export const tarOf = (...parts: readonly TarPart[]): Buffer => Buffer.concat([openTar(parts), tarEnd])

/** A .tar.gz of these parts. */
export const tarGz = (...parts: readonly TarPart[]): Buffer => gzipSync(tarOf(...parts))

/** A record of a pax header. */
export function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), bytesOf(value), Buffer.from('\n')])
  let length = body.length
  while (String(length).length + body.length !== length) length = String(length).length + body.length
  return Buffer.concat([Buffer.from(String(length)), body])
}

/** What pax puts before an entry. */
export const paxHeader = (...records: readonly Buffer[]): TarPart => ({
  name: 'PaxHeader',
  type: 'x',
  content: Buffer.concat(records),
})
