import { addon } from '../native/addon.ts'
import { openShared } from './shared-file.ts'

/**
 * Opens a file of words, or creates it with zeros. The array is the file: who stores into it calls nobody, and what was
 * stored is there when this process is not. Of a file that somebody cut the rest reads as zeros, and what is written
 * there goes nowhere. `bytes`: a multiple of 8 from 8 to 65536. It is unmapped when nobody has the array any more.
 */
export const openWords = (path: string, bytes: number): Uint32Array =>
  new Uint32Array(openShared(path, () => addon.wordsOpen(path, bytes)))
