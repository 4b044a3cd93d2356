import { beneath, type FileHandle, openFile } from './beneath.ts'
import { refuse } from './errno.ts'
import type { Preopen } from './grants.ts'
import type { LineOutput } from './line-output.ts'
import { grantedRights, includes, inputRights, outputRights, type Right, type Rights, rightBits } from './rights.ts'

/**
 * What a plugin may have open at once beside stdin, stdout, stderr and what it was granted. Each is a descriptor of this
 * process, which all plugins share.
 */
export const openedMax = 32

/** A directory that was granted, and everything below it. */
export interface Tree {
  readonly preopen: Preopen
}

export type OpenThing =
  | { readonly kind: 'input' }
  | { readonly kind: 'output'; readonly lines: LineOutput }
  | { readonly kind: 'file'; readonly handle: FileHandle }
  | { readonly kind: 'directory'; readonly handle: FileHandle; readonly tree: Tree }

export type OpenOf<K extends OpenThing['kind']> = Extract<OpenThing, { readonly kind: K }>

/** What a number stands for. */
export interface Descriptor {
  readonly thing: OpenThing
  rights: Rights
  /** fdflags: APPEND and NONBLOCK. */
  flags: number
  /** Of a directory that was granted: its name. Others have none. */
  readonly preopen: string | undefined
}

/** The open descriptors of one instance. Everything throws BADF for a number that stands for nothing. */
export interface Descriptors {
  /** What a number stands for; NOTCAPABLE without these rights. */
  at(fd: number, ...rights: readonly Right[]): Descriptor
  /** The same, of a directory: NOTDIR for anything else. */
  directory(fd: number, ...rights: readonly Right[]): Descriptor & { readonly thing: OpenOf<'directory'> }
  /** MFILE when nothing more may be opened. */
  checkRoom(): void
  /** The lowest number that is free, for something new; there has to be room. */
  add(thing: OpenThing, rights: Rights, flags: number): number
  close(fd: number): void
  /** `to` stands for what `from` did, which stands for nothing any more. */
  renumber(from: number, to: number): void
  closeAll(): void
}

function release({ thing }: Descriptor): void {
  switch (thing.kind) {
    case 'file':
    case 'directory':
      openFile.close(thing.handle)
      break
    case 'output':
      thing.lines.flush()
      break
    case 'input':
  }
}

export interface DescriptorNeeds {
  readonly preopens: readonly Preopen[]
  readonly stdout: LineOutput
  readonly stderr: LineOutput
  /** A directory that was granted cannot be opened; it is not there, then. */
  onMissing(preopen: Preopen, cause: unknown): void
}

/** Opens what was granted: 0, 1 and 2 are stdin, stdout and stderr, and what was granted has the numbers after them. */
export function openDescriptors({ preopens, stdout, stderr, onMissing }: DescriptorNeeds): Descriptors {
  const open = new Map<number, Descriptor>()
  const first = (thing: OpenThing, rights: Rights, preopen?: string): void => {
    open.set(open.size, { thing, rights, flags: 0, preopen })
  }
  first({ kind: 'input' }, inputRights)
  first({ kind: 'output', lines: stdout }, outputRights)
  first({ kind: 'output', lines: stderr }, outputRights)
  for (const preopen of preopens) {
    try {
      const handle = beneath.root(preopen.path)
      first({ kind: 'directory', handle, tree: { preopen } }, grantedRights(preopen.access), preopen.name)
    } catch (cause) {
      onMissing(preopen, cause)
    }
  }
  const most = open.size + openedMax

  const at: Descriptors['at'] = (fd, ...rights) => {
    const found = open.get(fd >>> 0)
    if (found === undefined) return refuse('BADF')
    for (const right of rights) if (!includes(found.rights.base, rightBits[right])) refuse('NOTCAPABLE')
    return found
  }

  const close = (fd: number): void => {
    release(at(fd))
    open.delete(fd >>> 0)
  }

  return {
    at,
    directory(fd, ...rights) {
      const found = at(fd)
      if (found.thing.kind !== 'directory') return refuse('NOTDIR')
      return at(fd, ...rights) as ReturnType<Descriptors['directory']>
    },
    checkRoom() {
      if (open.size >= most) refuse('MFILE')
    },
    add(thing, rights, flags) {
      let fd = 0
      while (open.has(fd)) fd++
      open.set(fd, { thing, rights, flags, preopen: undefined })
      return fd
    },
    close,
    renumber(from, to) {
      const moved = at(from)
      const replaced = at(to)
      if (moved === replaced) return
      release(replaced)
      open.set(to >>> 0, moved)
      open.delete(from >>> 0)
    },
    closeAll() {
      for (const fd of [...open.keys()]) close(fd)
    },
  }
}
