// Products of 64 x 64 matrices of f64: three nested loops, the innermost of which does next to nothing.

const n: u32 = 64
const a = memory.data(32_768, 16)
const b = memory.data(32_768, 16)
const c = memory.data(32_768, 16)

function fill(): void {
  for (let i: u32 = 0; i < n * n; i++) {
    store<f64>(a + 8 * i, f64(i % 7))
    store<f64>(b + 8 * i, f64(i % 5))
  }
}

function multiply(): void {
  for (let row: u32 = 0; row < n; row++) {
    for (let column: u32 = 0; column < n; column++) {
      let sum: f64 = 0
      for (let k: u32 = 0; k < n; k++) sum += load<f64>(a + 8 * (row * n + k)) * load<f64>(b + 8 * (k * n + column))
      store<f64>(c + 8 * (row * n + column), sum)
    }
  }
}

export function run(rounds: i32): i32 {
  fill()
  for (; rounds > 0; rounds--) multiply()
  return i32(load<f64>(c + 8 * (13 * n + 7)))
}
