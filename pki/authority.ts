import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import 'reflect-metadata' // @peculiar/x509 does not load without
import * as x509 from '@peculiar/x509'
import type { Role } from '../rpc/peer.ts'

/** P-256: every TLS library has it, which cannot be said of Ed25519. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const dayMs = 86_400_000

/** How long certificates are good, days. Those of callers are made again; that of the CA is in every client. */
const authorityDays = 3650
const serverDays = 825
export const clientDays = { minimum: 1, default: 365, maximum: 825 } as const

/** A certificate with its private key, PEM. */
export interface Credential {
  readonly certificate: string
  /** PKCS #8. */
  readonly key: string
  /** Hex, lower case, without leading zeros: as `openssl x509 -serial` writes it, and Node in small letters. */
  readonly serial: string
  /** ms since 1970. */
  readonly notAfterMs: number
}

export interface ServerNames {
  /** Names and addresses by which clients reach the rig. */
  readonly hosts: readonly string[]
}

export interface ClientSubject {
  readonly name: string
  readonly role: Role
  readonly days: number
}

/** 127 bits, so that the number is positive and never one that was there (RFC 5280 §4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

async function credentialOf(
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
  serial: string,
): Promise<Credential> {
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${await pemOfKey(key)}\n`,
    serial,
    notAfterMs: certificate.notAfter.getTime(),
  }
}

/** From five minutes ago, for clocks that are late. */
const validity = (nowMs: number, days: number) => ({
  notBefore: new Date(nowMs - 300_000),
  notAfter: new Date(nowMs + days * dayMs),
})

/** The CA of one rig. `id`: tells it from those of other rigs, whose certificates it does not accept. */
export async function createAuthority(id: string, nowMs: number): Promise<Credential> {
  const keys = await newKeys()
  const serial = newSerial()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    name: [{ CN: [`OpenRacing rig ${id}`] }],
    ...validity(nowMs, authorityDays),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return credentialOf(certificate, keys.privateKey, serial)
}

interface Leaf {
  readonly subject: x509.JsonName
  readonly days: number
  readonly usage: x509.ExtendedKeyUsage
  readonly extensions: readonly x509.Extension[]
}

async function issue(
  authority: Pick<Credential, 'certificate' | 'key'>,
  leaf: Leaf,
  nowMs: number,
): Promise<Credential> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ['sign'],
  )
  const keys = await newKeys()
  const serial = newSerial()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: leaf.subject,
    issuer: issuer.subjectName,
    ...validity(nowMs, leaf.days),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...leaf.extensions,
    ],
  })
  return credentialOf(certificate, keys.privateKey, serial)
}

/** What the rig shows to its clients. */
export const issueServer = (
  authority: Pick<Credential, 'certificate' | 'key'>,
  { hosts }: ServerNames,
  nowMs: number,
): Promise<Credential> =>
  issue(
    authority,
    {
      subject: [{ CN: [hosts[0] ?? 'rig'] }],
      days: serverDays,
      usage: x509.ExtendedKeyUsage.serverAuth,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host })),
        ),
      ],
    },
    nowMs,
  )

/** What a caller shows to the rig: its name in CN, its role in OU. */
export const issueClient = (
  authority: Pick<Credential, 'certificate' | 'key'>,
  { name, role, days }: ClientSubject,
  nowMs: number,
): Promise<Credential> =>
  issue(
    authority,
    { subject: [{ CN: [name] }, { OU: [role] }], days, usage: x509.ExtendedKeyUsage.clientAuth, extensions: [] },
    nowMs,
  )
