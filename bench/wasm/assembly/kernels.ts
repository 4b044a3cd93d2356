// The four kinds of work that CoreMark is made of, written anew: sorting and searching a linked list, arithmetic on
// matrices of integers, a state machine that tells numbers in a text apart, and a CRC-16 over what they yield. What one
// kernel does depends on the checksum so far, so that none can be left out.

let seed: u32 = 1

function random(): u32 {
  seed = seed * 1_664_525 + 1_013_904_223
  return seed >>> 16
}

function crcByte(byte: u32, crc: u32): u32 {
  for (let bit = 0; bit < 8; bit++) {
    const odd = (byte ^ crc) & 1
    crc >>>= 1
    byte >>>= 1
    if (odd) crc ^= 0xa001
  }
  return crc
}

function crcWord(word: u32, crc: u32): u32 {
  crc = crcByte(word & 0xff, crc)
  return crcByte((word >>> 8) & 0xff, crc)
}

// Items of a list: the next one, its value, its first place.
const items = memory.data(2400, 4)
const itemCount: u32 = 200

@inline
function nextOf(item: usize): usize {
  return load<u32>(item)
}

@inline
function valueOf(item: usize): u32 {
  return load<u32>(item, 4)
}

function createList(): usize {
  for (let i: u32 = 0; i < itemCount; i++) {
    const item = items + 12 * i
    store<u32>(item, i + 1 < itemCount ? u32(item + 12) : 0)
    store<u32>(item, random() & 0x7fff, 4)
    store<u32>(item, i, 8)
  }
  return items
}

type Order = (a: usize, b: usize) => i32

const byValue: Order = (a, b) => i32(valueOf(a)) - i32(valueOf(b))
const byPlace: Order = (a, b) => i32(load<u32>(a, 8)) - i32(load<u32>(b, 8))

/** Merges runs of 1, 2, 4 … items until one is left. */
function sort(list: usize, order: Order): usize {
  let merges = 0
  for (let length = 1; merges != 1; length *= 2) {
    let rest = list
    let last: usize = 0
    merges = 0
    list = 0
    while (rest) {
      merges++
      let left = rest
      let leftCount = 0
      while (leftCount < length && rest) {
        leftCount++
        rest = nextOf(rest)
      }
      let rightCount = length
      while (leftCount > 0 || (rightCount > 0 && rest)) {
        let item: usize
        if (leftCount > 0 && (rightCount == 0 || !rest || order(left, rest) <= 0)) {
          item = left
          left = nextOf(left)
          leftCount--
        } else {
          item = rest
          rest = nextOf(rest)
          rightCount--
        }
        if (last) store<u32>(last, u32(item))
        else list = item
        last = item
      }
    }
    store<u32>(last, 0)
  }
  return list
}

function find(list: usize, value: u32): usize {
  while (list && (valueOf(list) & 0xff) != value) list = nextOf(list)
  return list
}

function reverse(list: usize): usize {
  let done: usize = 0
  while (list) {
    const rest = nextOf(list)
    store<u32>(list, u32(done))
    done = list
    list = rest
  }
  return done
}

function listKernel(crc: u32): u32 {
  let list = createList()
  for (let i: u32 = 0; i < 50; i++) {
    list = reverse(list)
    const found = find(list, (crc + i) & 0xff)
    crc = crcWord(found ? valueOf(found) : i, crc)
  }
  list = sort(list, byValue)
  for (let item = list; item; item = nextOf(item)) crc = crcWord(valueOf(item), crc)
  list = sort(list, byPlace)
  return crcWord(valueOf(list), crc)
}

const n: u32 = 16
const a = memory.data(512, 2)
const b = memory.data(512, 2)
const c = memory.data(1024, 4)

function multiply(): void {
  for (let row: u32 = 0; row < n; row++) {
    for (let column: u32 = 0; column < n; column++) {
      let sum: i32 = 0
      for (let k: u32 = 0; k < n; k++) sum += i32(load<i16>(a + 2 * (row * n + k))) * load<i16>(b + 2 * (k * n + column))
      store<i32>(c + 4 * (row * n + column), sum)
    }
  }
}

function matrixKernel(crc: u32): u32 {
  for (let i: u32 = 0; i < n * n; i++) {
    store<i16>(a + 2 * i, i16(random()))
    store<i16>(b + 2 * i, i16(crc + i))
  }
  for (let round = 0; round < 4; round++) {
    multiply()
    for (let i: u32 = 0; i < n * n; i++) store<i16>(a + 2 * i, i16(load<i32>(c + 4 * i) >> 3))
  }
  for (let i: u32 = 0; i < n * n; i++) crc = crcWord(load<u16>(a + 2 * i), crc)
  return crc
}

const text = memory.data(1024)
const textLength: u32 = 1024
const letters = memory.data<u8>([0x30, 0x31, 0x35, 0x39, 0x2e, 0x2b, 0x2d, 0x65, 0x2c, 0x2c, 0x37, 0x33, 0x78, 0x2c, 0x45, 0x38])
const counts = memory.data(32, 4)

const enum State {
  Start,
  Sign,
  Integer,
  Fraction,
  Exponent,
  ExponentSign,
  Scientific,
  Invalid,
}

@inline
function isDigit(letter: u32): bool {
  return letter - 0x30 < 10
}

function nextState(state: State, letter: u32): State {
  if (letter == 0x2c) return State.Start
  switch (state) {
    case State.Start:
      if (isDigit(letter)) return State.Integer
      return letter == 0x2b || letter == 0x2d ? State.Sign : letter == 0x2e ? State.Fraction : State.Invalid
    case State.Sign:
      return isDigit(letter) ? State.Integer : letter == 0x2e ? State.Fraction : State.Invalid
    case State.Integer:
      if (isDigit(letter)) return State.Integer
      return letter == 0x2e ? State.Fraction : (letter | 0x20) == 0x65 ? State.Exponent : State.Invalid
    case State.Fraction:
      return isDigit(letter) ? State.Fraction : (letter | 0x20) == 0x65 ? State.Exponent : State.Invalid
    case State.Exponent:
      return letter == 0x2b || letter == 0x2d ? State.ExponentSign : isDigit(letter) ? State.Scientific : State.Invalid
    case State.ExponentSign:
    case State.Scientific:
      return isDigit(letter) ? State.Scientific : State.Invalid
    default:
      return State.Invalid
  }
}

function stateKernel(crc: u32): u32 {
  for (let i: u32 = 0; i < textLength; i++) store<u8>(text + i, load<u8>(letters + (random() & 15)))
  for (let pass = 0; pass < 4; pass++) {
    memory.fill(counts, 0, 32)
    let state = State.Start
    for (let i: u32 = 0; i < textLength; i++) {
      state = nextState(state, load<u8>(text + i))
      store<u32>(counts + 4 * state, load<u32>(counts + 4 * state) + 1)
    }
    for (let i: u32 = 0; i < 8; i++) crc = crcWord(load<u32>(counts + 4 * i), crc)
    const at = text + (crc % textLength)
    store<u8>(at, load<u8>(at) ^ 1)
  }
  return crc
}

export function run(rounds: i32): i32 {
  seed = 1
  let crc: u32 = 0
  for (; rounds > 0; rounds--) crc = stateKernel(matrixKernel(listKernel(crc)))
  return crc
}
