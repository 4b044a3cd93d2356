import { realpathSync } from 'node:fs'

/** The path without links; as it is where nothing is there yet. */
export function realPlace(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
