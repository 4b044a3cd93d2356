import { RigError } from '../../../rpc/failure.ts'
import { code, skipImmediates } from '../instructions.ts'
import { WasmBytes, WasmWriter } from '../wasm-bytes.ts'
import type { Random } from './random.ts'

interface Section {
  readonly id: number
  readonly content: Uint8Array
}

/** Bytes that mean something in many places: ends and beginnings of blocks, borders of LEB128, prefixes, types. */
const telling = [
  ...[0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12],
  ...[0x14, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x28, 0x36, 0x3f, 0x40, 0x41, 0x42, 0x60, 0x63],
  ...[0x64, 0x6a, 0x70, 0x7c, 0x7e, 0x7f, 0x80, 0xd0, 0xd1, 0xd5, 0xfb, 0xfc, 0xfd, 0xfe, 0xff],
]

function sectionsOf(module: Uint8Array): Section[] {
  const bytes = new WasmBytes(module)
  const sections: Section[] = []
  bytes.at = 8
  while (!bytes.done) {
    const id = bytes.byte()
    sections.push({ id, content: bytes.take(bytes.number()) })
  }
  return sections
}

function moduleOf(head: Uint8Array, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const out = new WasmWriter(1024)
  out.copy(head)
  for (const { id, content } of sections) {
    out.byte(id)
    out.number(content.length)
    out.copy(content)
  }
  return out.written().slice()
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat(parts))

/** Changes some bytes, without a thought for what they mean. */
function scratch(bytes: Uint8Array, { below, oneOf }: Random, other: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes
  const at = below(bytes.length)
  const length = below(Math.min(16, bytes.length - at)) + 1
  switch (below(8)) {
    case 0:
    case 1: {
      const changed = bytes.slice()
      changed[at] = oneOf(telling)
      return changed
    }
    case 2: {
      const changed = bytes.slice()
      changed[at] = (bytes[at] as number) ^ (1 << below(8))
      return changed
    }
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length))
    case 4:
      return joined(bytes.subarray(0, at), Uint8Array.of(oneOf(telling)), bytes.subarray(at))
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at))
    case 6: {
      const from = below(other.length)
      return joined(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at + length))
    }
    default: {
      const changed = bytes.slice()
      changed[at] = ((bytes[at] as number) + (below(2) === 0 ? 1 : 255)) & 0xff
      return changed
    }
  }
}

/** Instructions that leave the stack as it was, so that they are valid almost everywhere. `label` is any small number. */
const label = -1
const snippets: readonly (readonly number[])[] = [
  [0x01], // nop
  [0x02, 0x40, 0x0b], // block
  [0x03, 0x40, 0x0b], // loop
  [0x41, 0x00, 0x04, 0x40, 0x0b], // if
  [0x41, 0x01, 0x04, 0x40, 0x01, 0x05, 0x01, 0x01, 0x0b], // if, else
  [0x02, 0x40, 0x0c, 0x00, 0x0b], // block, br
  [0x02, 0x40, 0x41, 0x01, 0x0d, 0x00, 0x00, 0x0b], // block, br_if, unreachable
  [0x03, 0x40, 0x41, 0x00, 0x0d, 0x00, 0x01, 0x0b], // loop, br_if
  [0x02, 0x40, 0x02, 0x40, 0x41, 0x01, 0x0e, 0x02, 0x00, 0x01, 0x00, 0x0b, 0x01, 0x0b], // br_table
  [0x41, 0x00, 0x0d, label], // br_if out of what is around
  [0x41, 0x01, 0x0d, label],
  [0x41, 0x00, 0x04, 0x40, 0x0c, label, 0x0b], // if, br out
  [0x41, 0x00, 0x04, 0x40, 0x00, 0x0b], // if, unreachable
  [0x41, 0x00, 0x40, 0x00, 0x1a], // memory.grow
  [0x41, 0x00, 0x41, 0x00, 0x41, 0x03, 0xfc, 0x0b, 0x00], // memory.fill
  [0x06, 0x40, 0x01, 0x19, 0x01, 0x0b], // try, catch_all
  [0x1f, 0x40, 0x01, 0x02, 0x00, 0x01, 0x0b], // try_table that catches everything
  [0x10, label], // call
]

/** Puts a snippet between two instructions of a function. */
function insertSnippet(body: Uint8Array, random: Random): Uint8Array {
  const bytes = new WasmBytes(body)
  bytes.list(() => {
    bytes.skipNumber()
    return bytes.type()
  })
  const boundaries: number[] = []
  try {
    while (!bytes.done) {
      boundaries.push(bytes.at)
      const opcode = bytes.byte()
      if (opcode !== code.end && opcode !== code.else) skipImmediates(bytes, opcode)
    }
  } catch (cause) {
    // An earlier change may have left something that cannot be read to its end.
    if (!(cause instanceof RangeError || cause instanceof RigError)) throw cause
  }
  if (boundaries.length === 0) return body
  const at = random.oneOf(boundaries)
  const snippet = random.oneOf(snippets).map((byte) => (byte === label ? random.below(4) : byte))
  return joined(body.subarray(0, at), Uint8Array.from(snippet), body.subarray(at))
}

function changeFunction(body: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  if (random.below(4) === 0) return scratch(body, random, other)
  let changed = body
  for (let snippets = 1 + random.below(3); snippets > 0; snippets--) changed = insertSnippet(changed, random)
  return changed
}

/** Changes one function, and corrects the lengths around it, so that the others can still be read. */
function changeFunctions(content: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const bytes = new WasmBytes(content)
  const count = bytes.number()
  const chosen = random.below(count)
  const out = new WasmWriter(content.length + 32)
  out.number(count)
  for (let index = 0; index < count; index++) {
    const body = bytes.take(bytes.number())
    const its = index === chosen ? changeFunction(body, random, other) : body
    out.number(its.length)
    out.copy(its)
  }
  return out.written().slice()
}

function changeSections(sections: Section[], random: Random, others: readonly Section[], other: Uint8Array): void {
  const at = random.below(sections.length)
  const section = sections[at] as Section
  switch (random.below(24)) {
    case 0:
      sections.splice(at, 1)
      break
    case 1:
      sections.splice(random.below(sections.length), 0, section)
      break
    case 2:
      sections.splice(at, 1)
      sections.splice(random.below(sections.length + 1), 0, section)
      break
    case 3:
      sections[at] = others.find(({ id }) => id === section.id) ?? random.oneOf(others)
      break
    case 4:
    case 5:
      sections[at] = { id: section.id, content: scratch(section.content, random, other) }
      break
    default: {
      const code = sections.findIndex(({ id, content }) => id === 10 && (content[0] ?? 0) > 0)
      if (code < 0) return
      const content = changeFunctions((sections[code] as Section).content, random, other)
      sections[code] = { id: 10, content }
    }
  }
}

/**
 * A module of the pool, changed in a few places: in its bytes, or in its parts with the lengths corrected; or cut off. The
 * modules of the pool are valid.
 */
export function mutate(pool: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  const [module, other] = [random.oneOf(pool), random.oneOf(pool)]
  if (random.below(50) === 0) return new Uint8Array(module.subarray(0, random.below(module.length)))
  if (random.below(8) === 0) {
    let changed = module
    for (let changes = 1 + random.below(3); changes > 0; changes--) changed = scratch(changed, random, other)
    return new Uint8Array(changed)
  }
  const sections = sectionsOf(module)
  const others = sectionsOf(other)
  for (let changes = 1 + random.below(3); changes > 0 && sections.length > 0; changes--) {
    try {
      changeSections(sections, random, others, other)
    } catch (cause) {
      // What a change before this one has broken cannot be taken apart any more.
      if (!(cause instanceof RangeError)) throw cause
    }
  }
  return moduleOf(module.subarray(0, 8), sections)
}
