/**
 * What a function of preview 1 answers, by the names of its witx file (typenames.witx, `errno`); the place in the list is
 * the number.
 */
const names = [
  ...['SUCCESS', '2BIG', 'ACCES', 'ADDRINUSE', 'ADDRNOTAVAIL', 'AFNOSUPPORT', 'AGAIN', 'ALREADY', 'BADF', 'BADMSG'],
  ...['BUSY', 'CANCELED', 'CHILD', 'CONNABORTED', 'CONNREFUSED', 'CONNRESET', 'DEADLK', 'DESTADDRREQ', 'DOM', 'DQUOT'],
  ...['EXIST', 'FAULT', 'FBIG', 'HOSTUNREACH', 'IDRM', 'ILSEQ', 'INPROGRESS', 'INTR', 'INVAL', 'IO', 'ISCONN', 'ISDIR'],
  ...['LOOP', 'MFILE', 'MLINK', 'MSGSIZE', 'MULTIHOP', 'NAMETOOLONG', 'NETDOWN', 'NETRESET', 'NETUNREACH', 'NFILE'],
  ...['NOBUFS', 'NODEV', 'NOENT', 'NOEXEC', 'NOLCK', 'NOLINK', 'NOMEM', 'NOMSG', 'NOPROTOOPT', 'NOSPC', 'NOSYS'],
  ...['NOTCONN', 'NOTDIR', 'NOTEMPTY', 'NOTRECOVERABLE', 'NOTSOCK', 'NOTSUP', 'NOTTY', 'NXIO', 'OVERFLOW', 'OWNERDEAD'],
  ...['PERM', 'PIPE', 'PROTO', 'PROTONOSUPPORT', 'PROTOTYPE', 'RANGE', 'ROFS', 'SPIPE', 'SRCH', 'STALE', 'TIMEDOUT'],
  ...['TXTBSY', 'XDEV', 'NOTCAPABLE'],
] as const

export type ErrnoName = (typeof names)[number]

export const errno = Object.fromEntries(names.map((name, number) => [name, number])) as Readonly<
  Record<ErrnoName, number>
>

/** How a function of preview 1 says no: wasi.ts turns it into the answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly errno: number

  constructor(name: ErrnoName) {
    super(name)
    this.errno = errno[name]
  }
}

// Made once: to write down where an exception comes from takes longer than most functions here, and nobody reads it.
const refusals = new Map(names.map((name) => [name, new Refusal(name)]))

export function refuse(name: ErrnoName): never {
  throw refusals.get(name)
}
