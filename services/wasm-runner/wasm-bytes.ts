/**
 * Reads forward over the bytes of a WebAssembly module that V8 has accepted. Numbers are LEB128, names UTF-8, lists have
 * their length first (binary format of the specification, chapter 5). Throws RangeError at the end of the bytes.
 */
export class WasmBytes {
  at = 0
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError('the module ends too early')
    return this.bytes[this.at++] as number
  }

  /** Unsigned, up to 2^53: what the format calls u32, and the limits of 64-bit memories. */
  number(): number {
    const first = this.byte()
    return first < 0x80 ? first : this.#longNumber(first & 0x7f)
  }

  #longNumber(low: number): number {
    let value = low
    for (let scale = 128; ; scale *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  /** Passes over a number of any length and sign. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  take(length: number): Uint8Array {
    this.skip(length)
    return this.bytes.subarray(this.at - length, this.at)
  }

  skip(length: number): void {
    if (this.at + length > this.bytes.length) throw new RangeError('the module ends too early')
    this.at += length
  }

  name(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.take(this.number()))
  }

  list<T>(one: () => T): T[] {
    const items: T[] = []
    for (let count = this.number(); count > 0; count--) items.push(one())
    return items
  }

  /** A value or storage type; `(ref null? heap-type)` is told by its first byte. */
  type(): number {
    const code = this.byte()
    if (code === 0x63 || code === 0x64) this.skipNumber()
    return code
  }
}

/** One section of a module: `begins` with its number and its length, then its content from `from` to `to`. */
export interface Section {
  readonly id: number
  readonly begins: number
  readonly from: number
  readonly to: number
}

/** The sections of a module, in its order. */
export function sectionsOf(wasm: Uint8Array): readonly Section[] {
  const bytes = new WasmBytes(wasm)
  const sections: Section[] = []
  bytes.skip(8) // magic and version
  while (!bytes.done) {
    const begins = bytes.at
    const id = bytes.byte()
    const length = bytes.number()
    sections.push({ id, begins, from: bytes.at, to: bytes.at + length })
    bytes.skip(length)
  }
  return sections
}

/** A name that no export has: `wanted`, or with as many underscores as it takes. */
export function freeExportName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted
  while (taken.has(name)) name += '_'
  return name
}

/** The names in an export section, whose content the reader is at. */
export function readExportNames(bytes: WasmBytes): ReadonlySet<string> {
  return new Set(
    bytes.list(() => {
      const name = bytes.name()
      bytes.skip(1)
      bytes.skipNumber()
      return name
    }),
  )
}

/** Bytes that are written one after the other. */
export class WasmWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(room: number) {
    this.#bytes = new Uint8Array(room)
  }

  #need(more: number): void {
    if (this.#length + more > this.#bytes.length) this.#grow(more)
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  byte(byte: number): void {
    this.#need(1)
    this.#bytes[this.#length++] = byte
  }

  get length(): number {
    return this.#length
  }

  copy(bytes: ArrayLike<number>): void {
    this.#need(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What another one has written so far. */
  append(other: WasmWriter): void {
    this.copy(other.written())
  }

  /** Bytes from one offset to another; a few are copied sooner than a view of them is made. */
  copyRange(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from
    this.#need(length)
    if (length > 64) this.#bytes.set(bytes.subarray(from, to), this.#length)
    else for (let index = 0; index < length; index++) this.#bytes[this.#length + index] = bytes[from + index] as number
    this.#length += length
  }

  /** Unsigned LEB128 of a whole number up to 2^53. */
  number(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.byte((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  /** Signed LEB128 of a whole number between -2^53 and 2^53. */
  signed(value: number): void {
    let rest = value
    while (rest < -64 || rest > 63) {
      const low = ((rest % 128) + 128) % 128
      this.byte(low | 0x80)
      rest = (rest - low) / 128
    }
    this.byte(rest & 0x7f)
  }

  /** One item of an export section. */
  export(name: string, kind: number, index: number): void {
    const encoded = new TextEncoder().encode(name)
    this.number(encoded.length)
    this.copy(encoded)
    this.byte(kind)
    this.number(index)
  }

  /** What was written so far. Valid until more is. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }
}
