/**
 * Fuel for each µs of the budget, as a multiple of what a µs takes on the yardstick. Fuel is there to end what would not
 * end by itself, and the CPU time of a tick says whether it was within its budget: so fuel has to last for every tick
 * that is. Twice is enough for code that is twice as dense as the yardstick at once, and calibration.ts sees to what is
 * denser. A loop of nothing, in code that V8 has not optimised yet, ends after three times the budget.
 */
const headroom = 2

/** Less fuel than for this time is not given, µs: the price of a handful of calls to the host must be in it. */
const leastUs = 100

/**
 * CPU time for everything from the start function to the host's buffers, µs: ten ticks of the largest budget, once.
 * Neighbours wait for it.
 */
export const loadUs = 50_000

/** Fuel of one tick, and of a shutdown. */
export const tickFuel = (budgetUs: number, unitsPerUs: number): number =>
  Math.ceil(Math.max(budgetUs, leastUs) * unitsPerUs * headroom)

/** Fuel of a load. */
export const loadFuel = (unitsPerUs: number): number => Math.ceil(loadUs * unitsPerUs)
