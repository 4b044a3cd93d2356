import { crc32, deflateRawSync } from 'node:zlib'

/** An entry of a zip, as somebody wants it to be. */
export interface ZipPart {
  readonly name: string | Uint8Array
  readonly content?: string | Uint8Array
  /** The mode that Unix would give it. */
  readonly mode?: number
  readonly method?: number
  readonly flags?: number
  readonly extra?: Uint8Array
  /** What the file says in front of the content, where that is another name. */
  readonly localName?: string
  /** What both say of the size of the content. */
  readonly size?: number
  readonly crc?: number
  /** What the file says in front of the content, where that is not what the directory says. */
  readonly local?: {
    readonly crc?: number
    readonly packedSize?: number
    readonly size?: number
    readonly extra?: Uint8Array
  }
  /** What follows after the content; its flag is not set by it. */
  readonly descriptor?: Uint8Array
  /** Where the directory says that it is. */
  readonly offset?: number
}

const bytesOf = (text: string | Uint8Array): Buffer => Buffer.from(text as string)

function numbers(...fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes)
      field.writeUIntLE(value, 0, bytes)
      return field
    }),
  )
}

interface Made {
  readonly local: Buffer
  readonly central: Buffer
}

function make(part: ZipPart, at: number): Made {
  const { name, content = '', mode = 0o100644, method = 8, flags = 0x800, extra = Buffer.alloc(0) } = part
  const plain = bytesOf(content)
  const packed = method === 8 ? deflateRawSync(plain) : plain
  const sizes = (nameBytes: number, own: ZipPart['local'] = {}) =>
    numbers(
      ...([
        [2, flags],
        [2, method],
        [4, 0],
        [4, own.crc ?? part.crc ?? crc32(plain)],
        [4, own.packedSize ?? packed.length],
        [4, own.size ?? part.size ?? plain.length],
        [2, nameBytes],
        [2, (own.extra ?? extra).length],
      ] as const),
    )
  const localName = bytesOf(part.localName ?? name)
  const front = [numbers([4, 0x04034b50], [2, 20]), sizes(localName.length, part.local), localName]
  const local = [...front, part.local?.extra ?? extra, packed, part.descriptor ?? Buffer.alloc(0)]
  const places = numbers([2, 0], [2, 0], [2, 0], [4, mode * 0x10000], [4, part.offset ?? at])
  const central = [numbers([4, 0x02014b50], [2, 0x0314], [2, 20]), sizes(bytesOf(name).length), places]
  return { local: Buffer.concat(local), central: Buffer.concat([...central, bytesOf(name), extra]) }
}

/** Flag of an entry: its checksum and its sizes follow after it. */
export const describedFlag = 0x8

/** What follows then after deflated content: a mark and sizes of 32 bits, or as `form` says. */
export function descriptorOf(
  content: string,
  form: { readonly marked?: boolean; readonly wide?: boolean; readonly crc?: number; readonly size?: number } = {},
): Buffer {
  const { marked = true, wide = false, crc = crc32(content), size = bytesOf(content).length } = form
  const number = (value: number) => numbers([4, value], ...(wide ? ([[4, 0]] as const) : []))
  const mark = marked ? [numbers([4, 0x08074b50])] : []
  return Buffer.concat([...mark, numbers([4, crc]), number(deflateRawSync(bytesOf(content)).length), number(size)])
}

/** What a zip says of itself at its end, where that is not so. */
export interface ZipEnding {
  readonly entries?: number
  readonly disk?: number
  readonly comment?: string
  /** Bytes between the entries and the directory, and between the directory and the end. */
  readonly beforeDirectory?: Uint8Array
  readonly afterDirectory?: Uint8Array
}

/** A zip, whatever its parts are. */
export function zipOf(parts: readonly ZipPart[], ending: ZipEnding = {}): Buffer {
  const { comment = '', beforeDirectory = Buffer.alloc(0), afterDirectory = Buffer.alloc(0) } = ending
  const made: Made[] = []
  let at = 0
  for (const part of parts) {
    const next = make(part, at)
    made.push(next)
    at += next.local.length
  }
  const directory = Buffer.concat(made.map(({ central }) => central))
  const entries = ending.entries ?? parts.length
  const end = numbers(
    ...([
      [4, 0x06054b50],
      [2, ending.disk ?? 0],
      [2, 0],
      [2, entries],
      [2, entries],
      [4, directory.length],
      [4, at + beforeDirectory.length],
      [2, comment.length],
    ] as const),
  )
  const locals = made.map(({ local }) => local)
  return Buffer.concat([...locals, beforeDirectory, directory, afterDirectory, end, Buffer.from(comment)])
}
