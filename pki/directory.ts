import { statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../input/document.ts'
import type { Frozen } from '../input/freeze.ts'
import { readTextFile } from '../input/text-file.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { roles } from '../rpc/peer.ts'

/** Largest file of the directory, bytes: some 10,000 certificates. */
const fileMaxBytes = 4 << 20

/** The directory in which a rig keeps its CA, and what it shows to those from elsewhere. */
export interface PkiFiles {
  readonly directory: string
  /** The CA's certificate: what clients and the rig believe. */
  readonly ca: string
  /** The CA's key, which may lie elsewhere while nothing is issued. */
  readonly caKey: string
  readonly serverCertificate: string
  readonly serverKey: string
  /** What was issued: for `wheelctl pki list`. */
  readonly issued: string
  /** What is accepted no more: read by the host whenever it changes. */
  readonly revoked: string
}

export function pkiFiles({ configDir }: Pick<Home, 'configDir'>): PkiFiles {
  const directory = join(configDir, 'pki')
  return {
    directory,
    ca: join(directory, 'ca.crt'),
    caKey: join(directory, 'ca.key'),
    serverCertificate: join(directory, 'server.crt'),
    serverKey: join(directory, 'server.key'),
    issued: join(directory, 'issued.json'),
    revoked: join(directory, 'revoked.json'),
  }
}

const serial = z.string().regex(/^[0-9a-f]{1,40}$/, 'write the serial number in small hex digits')

const issuedFile = z.strictObject({
  version: z.literal(1),
  certificates: z.array(
    z.strictObject({
      serial,
      name: z.string(),
      role: z.enum(roles),
      issued_at: z.iso.datetime(),
      not_after: z.iso.datetime(),
    }),
  ),
})

const revokedFile = z.strictObject({
  version: z.literal(1),
  certificates: z.array(z.strictObject({ serial, revoked_at: z.iso.datetime(), reason: z.string().max(300) })),
})

export type Issued = z.infer<typeof issuedFile>['certificates'][number]
export type Revoked = z.infer<typeof revokedFile>['certificates'][number]

function readList<T>(file: string, schema: z.ZodType<{ readonly certificates: readonly T[] }>): Frozen<readonly T[]> {
  const text = readTextFile(file, fileMaxBytes, 'CONFIG_INVALID')
  if (text === null) throw new RigError('FILE_MISSING', `there is no ${file}; make it with \`wheelctl pki init\``)
  return parseJson(text, schema, { file, code: 'CONFIG_INVALID', maxBytes: fileMaxBytes }).certificates as Frozen<
    readonly T[]
  >
}

/** Throws CONFIG_INVALID or FILE_MISSING. */
export const readIssued = (files: PkiFiles): readonly Issued[] => readList(files.issued, issuedFile)

/** Throws CONFIG_INVALID or FILE_MISSING: without the list nobody knows who is still to be let in. */
export const readRevoked = (files: PkiFiles): readonly Revoked[] => readList(files.revoked, revokedFile)

/** The text of one of the lists. */
export const listText = (certificates: readonly Issued[] | readonly Revoked[]): string =>
  `${JSON.stringify({ version: 1, certificates }, null, 2)}\n`

/** PEM of a file of the directory. Throws FILE_MISSING or CONFIG_INVALID. */
export function readPem(file: string): string {
  const text = readTextFile(file, fileMaxBytes, 'CONFIG_INVALID')
  if (text?.includes('-----BEGIN ')) return text
  const what = text === null ? `there is no ${file}` : `${file} is no PEM`
  throw new RigError(text === null ? 'FILE_MISSING' : 'CONFIG_INVALID', `${what}; make it with \`wheelctl pki init\``)
}

/** Text that changes whenever one of these files is another one. */
export const footprintOf = (paths: readonly string[]): string =>
  paths
    .map((path) => {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false })
      return found === undefined ? '-' : `${found.ino}.${found.size}.${found.mtimeNs}`
    })
    .join(' ')
