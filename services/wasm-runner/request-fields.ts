import { isAbsolute } from 'node:path'
import { invalidField, RigError } from '../../rpc/failure.ts'

// The checks of single fields of a request; each throws REQUEST_INVALID.

export const invalid = (sentence: string): RigError => new RigError('REQUEST_INVALID', sentence)

export function matching(field: string, value: string, pattern: RegExp, remedy: string): string {
  if (pattern.test(value)) return value
  throw invalidField(field, `is ${JSON.stringify(value.slice(0, 64))}; send ${remedy}`)
}

export function within(field: string, value: number, minimum: number, maximum: number): number {
  if (value >= minimum && value <= maximum) return value
  throw invalidField(field, `is ${value}; send ${minimum} to ${maximum}`)
}

export function absolutePath(path: string): string {
  if (isAbsolute(path) && !path.includes('\0')) return path
  throw invalidField('path', `is ${JSON.stringify(path.slice(0, 256))}; send the absolute path of the verified module`)
}
