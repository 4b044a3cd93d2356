import { z } from 'zod'

/** Largest manifest of any dialect, bytes: thirty times the longest that the guides print. */
export const manifestMaxBytes = 64 * 1024

/**
 * What no text of a manifest may hold: control characters, and whatever turns or breaks a line, could repaint the
 * operator's terminal; half a character is none.
 */
const unseen = '\\p{Cc}\\p{Cs}\\p{Bidi_Control}\\u2028\\u2029'

const plain = (maximum: number): RegExp => new RegExp(`^[^${unseen}]{1,${maximum}}$`, 'u')

/** Text for one line of a table or a log. */
export const line = (maximum: number) =>
  z.string().regex(plain(maximum), `write 1 to ${maximum} characters on one line, without control characters`)

export const description = z
  .string()
  .max(4096)
  .regex(new RegExp(`^(?:[^${unseen}]|[\\n\\t]|\\r\\n)*$`, 'u'), 'write text without control characters')

/** The path of a file, which messages show. PATH_MAX is 4096. */
export const filePath = (what: string) =>
  z.string().regex(plain(4096), `write ${what}, without control characters in it`)

const isWebAddress = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
}

export const webAddress = z
  .string()
  // The parser of the standard drops what it does not like.
  .refine((text) => plain(2048).test(text) && isWebAddress(text), 'write an http or https address')
