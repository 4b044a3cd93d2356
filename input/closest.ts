/** Whether one letter was added, dropped, changed, or swapped with its neighbour. */
function oneLetterOff(word: string, other: string): boolean {
  if (Math.abs(word.length - other.length) > 1) return false
  let start = 0
  while (start < word.length && word[start] === other[start]) start++
  const rest = word.slice(start)
  const otherRest = other.slice(start)
  const swapped = rest[0] === otherRest[1] && rest[1] === otherRest[0] && rest.slice(2) === otherRest.slice(2)
  return (
    rest.slice(1) === otherRest.slice(1) ||
    rest.slice(1) === otherRest ||
    rest === otherRest.slice(1) ||
    (rest.length > 1 && swapped)
  )
}

/** What a misspelt word was probably meant to be: another case, or one letter off. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  return candidates.find((candidate) => oneLetterOff(lower, candidate.toLowerCase()))
}
