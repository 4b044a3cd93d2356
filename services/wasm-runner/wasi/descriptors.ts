import { beneath, type FileHandle, openFile } from './beneath.ts'
import { refuse } from './errno.ts'
import type { PathAccess, Preopen } from './grants.ts'
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
  /** Undefined while it is withdrawn. */
  access: PathAccess | undefined
}

export type OpenThing =
  | { readonly kind: 'input' }
  | { readonly kind: 'output'; readonly lines: LineOutput }
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly tree: Tree }
  | { readonly kind: 'directory'; readonly handle: FileHandle; readonly tree: Tree }
  /** A file or directory that was closed because its tree was withdrawn. */
  | { readonly kind: 'withdrawn'; readonly tree: Tree }

export type OpenOf<K extends OpenThing['kind']> = Extract<OpenThing, { readonly kind: K }>

/** What a number stands for. */
export interface Descriptor {
  thing: OpenThing
  rights: Rights
  /** fdflags: APPEND and NONBLOCK. */
  flags: number
  /** Of a directory that was granted: its name. Others have none. */
  readonly preopen: string | undefined
}

/** The open descriptors of one instance. Everything throws BADF for a number that stands for nothing. */
export interface Descriptors {
  /** What a number stands for; NOTCAPABLE without these rights, and where it was withdrawn. */
  at(fd: number, ...rights: readonly Right[]): Descriptor
  /** The same, of a directory: NOTDIR for anything else. */
  directory(fd: number, ...rights: readonly Right[]): Descriptor & { readonly thing: OpenOf<'directory'> }
  /** The name of a directory that was granted; undefined of anything else. */
  preopenOf(fd: number): string | undefined
  /** See Wasi.grant. */
  grant(granted: readonly Preopen[]): void
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
    case 'withdrawn':
    case 'input':
  }
}

function withdraw(descriptor: Descriptor, tree: Tree): void {
  release(descriptor)
  descriptor.thing = { kind: 'withdrawn', tree }
}

/** What an access leaves of rights that were given under another one. */
function narrowed({ base, inheriting }: Rights, access: PathAccess): Rights {
  const most = grantedRights(access).inheriting
  return { base: base & most, inheriting: inheriting & most }
}

/** Opens a directory that was granted and withdrawn. False where it cannot be opened any more; it stays withdrawn, then. */
function reopen(descriptor: Descriptor, tree: Tree, onMissing: DescriptorNeeds['onMissing']): boolean {
  if (descriptor.thing.kind !== 'withdrawn') return true
  try {
    descriptor.thing = { kind: 'directory', handle: beneath.root(tree.preopen.path), tree }
    return true
  } catch (cause) {
    onMissing(tree.preopen, cause)
    return false
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
  const trees: Tree[] = []
  for (const preopen of preopens) {
    try {
      const handle = beneath.root(preopen.path)
      const tree = { preopen, access: preopen.access }
      first({ kind: 'directory', handle, tree }, grantedRights(preopen.access), preopen.name)
      trees.push(tree)
    } catch (cause) {
      onMissing(preopen, cause)
    }
  }
  const most = open.size + openedMax

  const find = (fd: number): Descriptor => open.get(fd >>> 0) ?? refuse('BADF')

  const at: Descriptors['at'] = (fd, ...rights) => {
    const found = find(fd)
    if (found.thing.kind === 'withdrawn') refuse('NOTCAPABLE')
    for (const right of rights) if (!includes(found.rights.base, rightBits[right])) refuse('NOTCAPABLE')
    return found
  }

  const close = (fd: number): void => {
    release(find(fd))
    open.delete(fd >>> 0)
  }

  /** A tree has another access than it had. */
  const admit = (descriptor: Descriptor, tree: Tree, access: PathAccess): void => {
    if (descriptor.preopen === undefined) descriptor.rights = narrowed(descriptor.rights, access)
    else if (reopen(descriptor, tree, onMissing)) descriptor.rights = grantedRights(access)
  }

  const change = (tree: Tree, access: PathAccess | undefined): void => {
    tree.access = access
    for (const descriptor of open.values()) {
      if (!('tree' in descriptor.thing) || descriptor.thing.tree !== tree) continue
      if (access === undefined) withdraw(descriptor, tree)
      else admit(descriptor, tree, access)
    }
  }

  return {
    at,
    directory(fd, ...rights) {
      const found = at(fd)
      if (found.thing.kind !== 'directory') return refuse('NOTDIR')
      return at(fd, ...rights) as ReturnType<Descriptors['directory']>
    },
    preopenOf: (fd) => find(fd).preopen,
    grant(granted) {
      for (const tree of trees) {
        const { name, path } = tree.preopen
        const access = granted.find((each) => each.name === name && each.path === path)?.access
        if (access !== tree.access) change(tree, access)
      }
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
      const moved = find(from)
      const replaced = find(to)
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
