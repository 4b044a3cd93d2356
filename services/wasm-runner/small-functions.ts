/**
 * Bytes of code below which V8 counts a function as a small one: its own number, of version 13.6, measured by what
 * --trace-wasm-inlining says. Where it changes, metered modules are slower.
 */
const smallBelow = 50
/** No module gets more functions than this: far from the million, imported ones and all, that V8 takes. */
const functionsMax = 100_000
/** Where half of its functions are small, a module gets all of the inlining that there is. */
const mostOfAll = 1 / 2

/** A function that does nothing but trap, with its length before it; it fits every type. Nothing can call it. */
export const filler: readonly number[] = [3, 0, 0x00, 0x0b]

/** Counts small functions, before they are metered and after. */
export interface Sizes {
  count(before: number, after: number): void
  /** Small functions that are to be added. */
  missing(): number
}

/**
 * V8 inlines the less the fewer of a module's functions are small: few, it reasons, are left where a compiler has inlined
 * already. Metering makes functions larger and says nothing about that compiler; so many small ones are added that their
 * share is what it was.
 */
export function createSizes(): Sizes {
  let [all, smallBefore, smallAfter] = [0, 0, 0]
  return {
    count(before, after) {
      all += 1
      if (before < smallBelow) smallBefore += 1
      if (after < smallBelow) smallAfter += 1
    },
    missing() {
      if (smallAfter === smallBefore) return 0
      const share = Math.min(smallBefore / all, mostOfAll)
      const missing = Math.ceil((share * all - smallAfter) / (1 - share))
      return Math.max(0, Math.min(missing, functionsMax - all))
    },
  }
}
