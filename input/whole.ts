import { InvalidArgumentError } from 'commander'

/** Reads an option that is a whole number within bounds. */
export const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}.`)
  }
