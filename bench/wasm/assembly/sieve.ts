// Primes below 65 536, by crossing out: byte stores in a loop with a stride that is not known to the compiler.

const size: u32 = 65_536
const crossed = memory.data(65_536)

export function run(rounds: i32): i32 {
  let primes = 0
  for (; rounds > 0; rounds--) {
    memory.fill(crossed, 0, size)
    primes = 0
    for (let candidate: u32 = 2; candidate < size; candidate++) {
      if (load<u8>(crossed + candidate)) continue
      primes++
      for (let multiple: u32 = 2 * candidate; multiple < size; multiple += candidate) store<u8>(crossed + multiple, 1)
    }
  }
  return primes
}
