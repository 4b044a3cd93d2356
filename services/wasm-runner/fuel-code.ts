/** What is done with the fuel: it is in a global, where all functions see it, and for a while in a local of one. */
export const fuelCode = {
  /** The local becomes what the global is; the other way round. */
  load: 0,
  store: 1,
  /** So much is taken from the local; from the global. */
  take: 2,
  pay: 3,
  /** The run ends where the local, and so much more, are less than nothing. */
  look: 4,
  /** The same where the global is what the local is, and nothing more. */
  lookAtBoth: 5,
  /** As `look`, after the number on the stack was taken, as `lengthKind` says: those bits are added. */
  length: 6,
} as const

/** What is inserted into one function, in the order of its code. */
export class FuelCode {
  count = 0
  at = new Int32Array(64)
  what = new Uint8Array(64)
  amount = new Float64Array(64)
  /** The function needs a local for it. */
  keeps = false

  clear(): void {
    this.count = 0
    this.keeps = false
  }

  insert(at: number, what: number, amount = 0): void {
    const index = this.count++
    if (index === this.at.length) this.#grow()
    this.at[index] = at
    this.what[index] = what
    this.amount[index] = amount
    if (what !== fuelCode.pay) this.keeps = true
  }

  #grow(): void {
    const [at, what, amount] = [this.at, this.what, this.amount]
    this.at = new Int32Array(at.length * 2)
    this.what = new Uint8Array(at.length * 2)
    this.amount = new Float64Array(at.length * 2)
    this.at.set(at)
    this.what.set(what)
    this.amount.set(amount)
  }
}
