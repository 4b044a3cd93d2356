import { z } from 'zod'

/** A number within bounds, both included; the message names both. */
export function numberWithin(minimum: number, maximum: number): z.ZodNumber {
  const error = `write a number from ${minimum} to ${maximum}`
  return z.number({ error }).min(minimum, error).max(maximum, error)
}

/** A whole number within bounds, both included; the message names both. */
export function integerWithin(minimum: number, maximum: number): z.ZodInt {
  const error = `write a whole number from ${minimum} to ${maximum}`
  return z.int({ error }).min(minimum, error).max(maximum, error)
}
