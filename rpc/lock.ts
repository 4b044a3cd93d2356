import { addon } from '../native/addon.ts'

/** Takes the lock file at `path` for as long as this process lives. False when another process holds it. */
export const lockFile = (path: string): boolean => addon.lockFile(path)
