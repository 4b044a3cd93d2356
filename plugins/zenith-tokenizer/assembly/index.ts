// The Zenith guide's tokeniser: a u32 for each word between white space.
// wheelctl plugin process zenith-tokenizer --operation tokenize --element-bytes 4 --input text --output tokens

const info = String.UTF8.encode('zenith-tokenizer v1.0.0', true)

const invalidInput = -1
const outOfMemory = -2

export function plugin_info(): usize {
  return changetype<usize>(info)
}

/** Bytes of the character that begins with this one; 0 when none does. */
function characterBytes(lead: u32): u32 {
  if (lead < 0x80) return 1
  if (lead < 0xc2) return 0 // a byte of a character's rest, or a longer way to write ASCII
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
}

/** The code point of `bytes` bytes; -1 when they are none. */
function codePoint(at: usize, bytes: u32): i32 {
  let code: u32 = load<u8>(at)
  if (bytes == 1) return code
  code &= 0x7f >> bytes
  for (let rest: u32 = 1; rest < bytes; rest++) {
    const next: u32 = load<u8>(at + rest)
    if ((next & 0xc0) != 0x80) return -1
    code = (code << 6) | (next & 0x3f)
  }
  if (bytes == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) return -1
  if (bytes == 4 && (code < 0x10000 || code > 0x10ffff)) return -1
  return code
}

/** Unicode's White_Space. */
function isSpace(code: i32): bool {
  if (code <= 0x20) return code == 0x20 || (code >= 0x09 && code <= 0x0d)
  if (code < 0x1680) return code == 0x85 || code == 0xa0
  if (code >= 0x2000 && code <= 0x200a) return true
  return code == 0x1680 || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000
}

let tokens: u32 = 0

/** Returns false where there is no room. */
function put(output: usize, room: u32, token: u32): bool {
  if (tokens == room) return false
  store<u32>(output + (<usize>tokens << 2), token)
  tokens++
  return true
}

/** `outputLength` holds the tokens that there is room for, and then those that there are. */
export function tokenize(input: usize, length: usize, output: usize, outputLength: usize): i32 {
  const room = load<u32>(outputLength)
  const end = input + length
  let hash: u32 = 0
  let inWord = false
  let at = input
  tokens = 0
  while (at < end) {
    const bytes = characterBytes(load<u8>(at))
    if (bytes == 0 || at + bytes > end) return invalidInput
    const code = codePoint(at, bytes)
    if (code < 0) return invalidInput
    if (isSpace(code)) {
      if (inWord && !put(output, room, hash)) return outOfMemory
      inWord = false
      hash = 0
    } else {
      inWord = true
      for (let each: u32 = 0; each < bytes; each++) hash = hash * 31 + load<u8>(at + each)
    }
    at += bytes
  }
  if (inWord && !put(output, room, hash)) return outOfMemory
  store<u32>(outputLength, tokens)
  return 0
}
