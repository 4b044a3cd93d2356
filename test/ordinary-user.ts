import { chownSync } from 'node:fs'

/**
 * Root may do everything, so what is forbidden is tried as an ordinary user: ourselves, or where we are root, one that
 * has a number and no name, as in a container.
 */
export const ordinaryUser: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: 54_321, gid: 54_321 } : {}

/** Gives files of ours to the ordinary user. */
export function giveAway(...paths: readonly string[]): void {
  const { uid, gid } = ordinaryUser
  if (uid !== undefined && gid !== undefined) for (const path of paths) chownSync(path, uid, gid)
}
