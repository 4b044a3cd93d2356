// Reads numbers out of the JSON object that `initialize` receives. The host made that JSON, so the reader trusts it to
// be well formed; it never reads past its end all the same.

/** The number under `key` at the top level; `fallback` when there is none or it is no number. `key` is plain ASCII. */
export function readNumber(json: usize, length: i32, key: string, fallback: f64): f64 {
  const end = json + <usize>length
  let at = skipSpace(json, end)
  if (at >= end || load<u8>(at) != 0x7b /* { */) return fallback
  at = skipSpace(at + 1, end)
  while (at < end && load<u8>(at) == 0x22 /* " */) {
    const keyEnd = skipString(at, end)
    const found = equals(at + 1, keyEnd - 1, key)
    at = skipSpace(keyEnd, end)
    if (at >= end) break
    at = skipSpace(at + 1, end) // the colon
    if (found) return parseNumber(at, end, fallback)
    at = skipSpace(skipValue(at, end), end)
    if (at >= end) break
    at = skipSpace(at + 1, end) // the comma, or the brace that ends it
  }
  return fallback
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
