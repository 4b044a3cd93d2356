/** Numbers that look random and are always the same for a seed (splitmix32). */
export interface Random {
  /** From 0 to less than `bound`. */
  below(bound: number): number
  oneOf<T>(items: readonly T[]): T
}

export function createRandom(seed: number): Random {
  let state = seed | 0
  function next(): number {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  const below = (bound: number): number => next() % bound
  return { below, oneOf: (items) => items[below(items.length)] as (typeof items)[number] }
}
