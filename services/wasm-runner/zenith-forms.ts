import type { Signature } from './module-shape.ts'

/** The forms that an operation of zenith-1 can have; the guide's examples are one each. */
const forms = {
  /** `in, in_len, out, out_len`: `process`, `tokenize`. */
  '(i32, i32, i32, i32) -> i32': 'counted',
  /** `in, params, out`: `resize_image`. */
  '(i32, i32, i32) -> i32': 'parameters',
  /** `on_event`. */
  '(i32, i64) -> i32': 'event',
} as const satisfies Record<Signature, string>

export type ZenithForm = (typeof forms)[keyof typeof forms]

export const zenithFormOf = (signature: Signature): ZenithForm | undefined =>
  Object.hasOwn(forms, signature) ? forms[signature as keyof typeof forms] : undefined

/** The signatures, for sentences. */
export const zenithSignatures: readonly Signature[] = Object.keys(forms)

/** What of a module's exports can be called by name. */
export const zenithOperations = (exports: ReadonlyMap<string, Signature>): ReadonlyMap<string, ZenithForm> =>
  new Map(
    [...exports].flatMap(([name, signature]) => {
      const form = zenithFormOf(signature)
      return form === undefined ? [] : [[name, form] as const]
    }),
  )
