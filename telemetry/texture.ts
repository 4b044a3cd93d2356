// A game at 60 Hz says nothing above 30 Hz. What a driver feels of the road lies there, so it is added as noise whose
// strength follows the game's own data.

/** Yields uniform white noise at the rate at which it is called. The same seed gives the same road. */
export type Texture = () => number

/**
 * Noise in -1..1, 1/√3 RMS, flat to half the sample rate: at 1000 Hz nine tenths of its power lie above 50 Hz.
 * xorshift32: G. Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8 (2003). `seed` is any integer.
 */
export function createTexture(seed: number): Texture {
  let word = seed >>> 0 || 0x9e3779b9 // xorshift stays at 0 for ever
  return () => {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    return (word >>> 0) / 2 ** 31 - 1
  }
}
