const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** Text of strangers for one line of a terminal or a log: what would move the cursor, break or turn the line is escaped. */
export const onOneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escaped)

/** Longest half sentence about a text, characters: those with the keys of a manifest in them have 300. */
const sentenceMax = 600

/** The end of a half sentence is what to do. */
const remedyCharacters = 200

/** Half a sentence with words of strangers in it: on one line, and no longer than a screen has room for. */
export function oneSentence(text: string): string {
  const line = onOneLine(text)
  if (line.length <= sentenceMax) return line.toWellFormed()
  const [head, tail] = [line.slice(0, sentenceMax - remedyCharacters), line.slice(-remedyCharacters)]
  return `${head}…${tail}`.toWellFormed()
}
