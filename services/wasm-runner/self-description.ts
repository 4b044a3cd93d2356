import { cleanLine } from './guest-log.ts'

/** What a plugin says of itself, as it says it. */
export interface SelfDescription {
  readonly name: string
  /** Empty where it says none. */
  readonly version: string
  readonly description: string
}

export const undescribed: SelfDescription = { name: '', version: '', description: '' }

const cleaned = (text: string): string => cleanLine(Buffer.from(text.slice(0, 256)))

/** The same for somebody's terminal. */
export const cleanDescription = ({ name, version, description }: SelfDescription): SelfDescription => ({
  name: cleaned(name),
  version: cleaned(version),
  description: cleaned(description),
})

/** `name vX.Y.Z: description`, of what of it there is. */
export const describedAs = ({ name, version, description }: SelfDescription): string =>
  [[name, version === '' ? '' : `v${version}`].filter(Boolean).join(' '), description].filter(Boolean).join(': ')
