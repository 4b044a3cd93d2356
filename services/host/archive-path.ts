import { onOneLine } from '../../input/one-line.ts'
import { RigError } from '../../rpc/failure.ts'
import { depthMax, entriesMax, pathBytesMax } from './archive-bounds.ts'

/** What an archive may hold: nothing else has a meaning in the directory of a plugin. */
export type EntryKind = 'file' | 'directory'

/** Longest name that a sentence shows, characters. */
const shownMax = 80

/** A name as a sentence shows it, whatever it is made of. */
export function showName(name: Uint8Array | string): string {
  const text = typeof name === 'string' ? name : new TextDecoder().decode(name)
  const line = onOneLine(text)
  return `"${line.length > shownMax ? `${line.slice(0, shownMax)}…` : line}"`
}

/** A refusal of an archive: `what` is wrong with it, and what to do. */
export const archiveInvalid = (what: string, options?: ErrorOptions): RigError =>
  new RigError('ARCHIVE_INVALID', what, options)

function decodeName(name: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch (cause) {
    throw archiveInvalid(`the name ${showName(name)} is not UTF-8; rename the file and pack it again`, { cause })
  }
}

/** What is wrong with a name, and what to do; null when it is one of a file below the plugin's directory. */
function faultOf(path: string): string | null {
  const bytes = Buffer.byteLength(path)
  const parts = path.split('/')
  if (bytes > pathBytesMax) return `has ${bytes} bytes, and the most is ${pathBytesMax}; shorten it`
  if (path === '') return 'is empty; pack the archive again'
  if (path.startsWith('/')) return 'is absolute; pack the directory from within'
  if (path.includes('\\')) return 'has a backslash; write / between directories'
  if (/^[A-Za-z]:/.test(path)) return 'begins with a drive; pack the directory from within'
  if (onOneLine(path) !== path) return 'has control characters; rename the file'
  if (parts.includes('..')) return 'leads out of the archive with ..; pack the directory from within'
  if (parts.some((part) => part === '' || part === '.')) return 'has an empty part or a . in it; pack the archive again'
  return parts.length > depthMax ? `is ${parts.length} names deep, and the most is ${depthMax}; put it higher` : null
}

/**
 * The path of an entry, free of everything that could lead out of the plugin's directory or be another file there. The
 * `./` that tar puts before what it is told to pack as `.` is taken off; `.` alone is the empty path.
 * Throws ARCHIVE_INVALID.
 */
export function parseEntryPath(name: Uint8Array, kind: EntryKind): string {
  const text = decodeName(name)
  if (kind === 'file' && text.endsWith('/')) {
    throw archiveInvalid(`the name ${showName(text)} of a file ends with /; pack the archive again`)
  }
  const whole = kind === 'directory' && text.length > 1 ? text.replace(/\/$/, '') : text
  if (kind === 'directory' && whole === '.') return ''
  const path = whole.startsWith('./') ? whole.slice(2) : whole
  const fault = faultOf(path)
  if (fault === null) return path
  throw archiveInvalid(`the name ${showName(text)} ${fault}`)
}

/** What a file system that ignores case, or composes accents, takes for the same name. */
const folded = (path: string): string => path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')

/** What an archive has named so far. */
export interface EntryLedger {
  /** Takes note of an entry. Throws ARCHIVE_INVALID when it cannot be beside those before it. */
  note(path: string, kind: EntryKind): void
  /** The one directory that holds everything; undefined when there is none. */
  top(): string | undefined
}

/** One for each archive. */
export function createEntryLedger(): EntryLedger {
  /** By the folded path. A directory that was only seen as part of a path may still be named once. */
  const seen = new Map<string, { readonly path: string; readonly kind: EntryKind; readonly named: boolean }>()
  const tops = new Set<string>()
  let count = 0

  function refuse(path: string, before: string): never {
    const same = path === before ? 'twice' : `beside ${showName(before)}, which some file systems take for the same`
    throw archiveInvalid(`${showName(path)} is in the archive ${same}; remove one and pack it again`)
  }

  /** Also a directory that is only seen in a path: it is made, too. */
  function countOne(): void {
    count++
    if (count <= entriesMax) return
    throw archiveInvalid(
      `the archive has more than ${entriesMax} files and directories, the most of a plugin; pack fewer`,
    )
  }

  function noteParent(path: string): void {
    const before = seen.get(folded(path))
    if (before === undefined) {
      countOne()
      seen.set(folded(path), { path, kind: 'directory', named: false })
    } else if (before.kind === 'file' || before.path !== path) refuse(path, before.path)
  }

  return {
    note(path, kind) {
      if (!seen.has(folded(path))) countOne()
      if (path === '') return
      const parts = path.split('/')
      for (let depth = 1; depth < parts.length; depth++) noteParent(parts.slice(0, depth).join('/'))
      const before = seen.get(folded(path))
      const isNew = before === undefined || (kind === 'directory' && before.path === path && !before.named)
      if (!isNew || before?.kind === 'file') refuse(path, before?.path ?? path)
      seen.set(folded(path), { path, kind, named: true })
      tops.add(kind === 'file' && parts.length === 1 ? '' : (parts[0] as string))
    },
    top() {
      const [only, another] = tops
      return only === '' || another !== undefined ? undefined : only
    },
  }
}
