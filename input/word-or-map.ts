import { type core, type ZodType, z } from 'zod'
import { remedyFor } from './issue.ts'

/**
 * What is written as a word where that says it all, and as a mapping where it does not. Not a union: of a union that fails,
 * zod cannot say which branch was meant.
 */
export const wordOrMap = <Word, Mapping>(word: ZodType<Word>, mapping: ZodType<Mapping>) =>
  z.unknown().transform((item, context): Word | Mapping => {
    const form: ZodType<Word | Mapping> = typeof item === 'object' && item !== null ? mapping : word
    const parsed = form.safeParse(item, { error: remedyFor })
    if (parsed.success) return parsed.data
    context.issues.push(...(parsed.error.issues.map((issue) => ({ ...issue, input: item })) as core.$ZodRawIssue[]))
    return z.NEVER
  })
