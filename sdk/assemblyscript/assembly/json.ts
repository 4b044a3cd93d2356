// A reader of JSON that makes nothing but what it is asked for. The host made that JSON, so the reader trusts it to be well
// formed; it never reads past its end all the same. 0 stands for a value that is not there.

/** Where the value under `key` begins, in the object at `json`. `key` is plain ASCII. */
export function member(json: usize, end: usize, key: string): usize {
  let at = skipSpace(json, end)
  if (at >= end || load<u8>(at) != 0x7b /* { */) return 0
  at = skipSpace(at + 1, end)
  while (at < end && load<u8>(at) == 0x22 /* " */) {
    const keyEnd = skipString(at, end)
    const found = equals(at + 1, keyEnd - 1, key)
    at = skipSpace(keyEnd, end)
    if (at >= end) break
    at = skipSpace(at + 1, end) // the colon
    if (found) return at < end ? at : 0
    at = skipSpace(skipValue(at, end), end)
    if (at >= end) break
    at = skipSpace(at + 1, end) // the comma, or the brace that ends it
  }
  return 0
}

/** Where the value number `index`, from 0, begins in the array at `json`. */
export function element(json: usize, end: usize, index: i32): usize {
  if (json == 0 || json >= end || load<u8>(json) != 0x5b /* [ */) return 0
  let at = skipSpace(json + 1, end)
  for (let i = 0; at < end && load<u8>(at) != 0x5d /* ] */; i++) {
    if (i == index) return at
    at = skipSpace(skipValue(at, end), end)
    if (at >= end || load<u8>(at) != 0x2c /* , */) break
    at = skipSpace(at + 1, end)
  }
  return 0
}

/** The number at `json`; `fallback` where there is none. */
export function numberAt(json: usize, end: usize, fallback: f64): f64 {
  return json == 0 ? fallback : parseNumber(json, end, fallback)
}

/** The text at `json`; empty where there is none. Makes a string. */
export function textAt(json: usize, end: usize): string {
  if (json == 0 || json >= end || load<u8>(json) != 0x22 /* " */) return ''
  let text = ''
  let from = json + 1
  let at = from
  while (at < end && load<u8>(at) != 0x22 /* " */) {
    if (load<u8>(at) != 0x5c /* \ */) {
      at++
      continue
    }
    text += String.UTF8.decodeUnsafe(from, at - from)
    if (at + 1 >= end) return text
    const code = load<u8>(at + 1)
    text += code == 0x75 /* u */ ? String.fromCharCode(hexAt(at + 2, end)) : escaped(code)
    at = min(at + (code == 0x75 ? 6 : 2), end)
    from = at
  }
  return text + String.UTF8.decodeUnsafe(from, at - from)
}

function escaped(code: u8): string {
  switch (code) {
    case 0x62 /* b */:
      return '\b'
    case 0x66 /* f */:
      return '\f'
    case 0x6e /* n */:
      return '\n'
    case 0x72 /* r */:
      return '\r'
    case 0x74 /* t */:
      return '\t'
    default:
      return String.fromCharCode(code)
  }
}

function hexAt(from: usize, end: usize): i32 {
  let value = 0
  for (let at = from; at < min(from + 4, end); at++) {
    const code = <i32>load<u8>(at)
    value = value * 16 + (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57)
  }
  return value
}

function skipSpace(from: usize, end: usize): usize {
  let at = from
  while (at < end && load<u8>(at) <= 0x20) at++
  return at
}

function skipString(from: usize, end: usize): usize {
  let at = from + 1
  while (at < end && load<u8>(at) != 0x22 /* " */) at += load<u8>(at) == 0x5c /* \ */ ? 2 : 1
  return min(at + 1, end)
}

function skipValue(from: usize, end: usize): usize {
  let at = from
  let depth = 0
  while (at < end) {
    const byte = load<u8>(at)
    if (byte == 0x22 /* " */) {
      at = skipString(at, end)
      continue
    }
    if (byte == 0x7b /* { */ || byte == 0x5b /* [ */) depth++
    else if (byte == 0x7d /* } */ || byte == 0x5d /* ] */) depth--
    if (depth < 0 || (depth == 0 && byte == 0x2c) /* , */) break
    at++
  }
  return at
}

function equals(from: usize, end: usize, key: string): bool {
  if (end - from != <usize>key.length) return false
  for (let i = 0; i < key.length; i++) {
    if (load<u8>(from + i) != <u8>key.charCodeAt(i)) return false
  }
  return true
}

const isDigit = (byte: u8): bool => byte >= 0x30 && byte <= 0x39

function parseNumber(from: usize, end: usize, fallback: f64): f64 {
  const negative = from < end && load<u8>(from) == 0x2d /* - */
  let at = negative ? from + 1 : from
  if (at >= end || !isDigit(load<u8>(at))) return fallback
  let digits: f64 = 0
  let exponent = 0
  for (; at < end && isDigit(load<u8>(at)); at++) digits = digits * 10 + <f64>(load<u8>(at) - 0x30)
  if (at < end && load<u8>(at) == 0x2e /* . */) {
    for (at++; at < end && isDigit(load<u8>(at)); at++) {
      digits = digits * 10 + <f64>(load<u8>(at) - 0x30)
      exponent--
    }
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65 /* e */) exponent += parseExponent(at + 1, end)
  const value = scale(digits, exponent)
  return negative ? -value : value
}

function parseExponent(from: usize, end: usize): i32 {
  const negative = from < end && load<u8>(from) == 0x2d /* - */
  const signed = negative || (from < end && load<u8>(from) == 0x2b) /* + */
  let exponent = 0
  for (let at = signed ? from + 1 : from; at < end && isDigit(load<u8>(at)); at++) {
    // 400 is past the range of f64 on either side: more digits change nothing.
    exponent = min(exponent * 10 + <i32>(load<u8>(at) - 0x30), 400)
  }
  return negative ? -exponent : exponent
}

/** Divides where it can: 9 / 10 is the f64 nearest to 0.9, and 9 * 0.1 is not. */
function scale(digits: f64, exponent: i32): f64 {
  let power: f64 = 1
  for (let i = min(abs(exponent), 400); i > 0; i--) power *= 10
  return exponent < 0 ? digits / power : digits * power
}
