/** `T` with every property and element read-only, all the way down. The engine cannot freeze bytes. */
export type Frozen<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Element)[]
    ? readonly Frozen<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T

/** Freezes a value and everything below it, in place. A value that refers to itself is no problem. */
export function freezeDeep<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) freezeDeep(part)
  }
  return value as Frozen<T>
}
