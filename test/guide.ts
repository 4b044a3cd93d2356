import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const seeds = new URL('../../shared/seeds/', import.meta.url)

/** Why a test of a guide cannot run here, or false. */
export const withoutGuides = existsSync(seeds)
  ? false
  : `the guides are not beside this checkout (${fileURLToPath(seeds)})`

/** The text of a guide. */
export const readGuide = (name: string): string => readFileSync(new URL(name, seeds), 'utf8')

/** The fenced blocks of a guide in a language, in order, as printed. */
export const blocksOf = (guide: string, language: string): readonly string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] as string)
