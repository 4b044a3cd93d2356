import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { clientDays, createAuthority, issueClient, issueServer } from '../pki/authority.ts'
import { type Issued, listText, type PkiFiles, pkiFiles, readIssued, readPem, readRevoked } from '../pki/directory.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { findHome, makePrivateDirectory } from '../rpc/home.ts'
import { type Role, rigName, roles } from '../rpc/peer.ts'
import { writeDurably } from '../state/durable-file.ts'
import { json, table } from './table.ts'

interface Options {
  readonly json?: boolean
}

const files = (): PkiFiles => pkiFiles(findHome(process.env))

/** Does what changes files; what the system refuses is told in one sentence. */
function onDisk<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const sentence = `${what} cannot be written (${(cause as Error).message}); make room there, or make it writable`
    throw new RigError(systemFailure(cause, 'CONFIG_INVALID'), sentence, { cause })
  }
}

/** Names under which the rig is reached although nobody said them. */
const usualHosts = (): readonly string[] => [rigName, 'localhost', '127.0.0.1', '::1', hostname()]

const host = (word: string, before: readonly string[]): readonly string[] => {
  if (/^[A-Za-z0-9.:-]{1,253}$/.test(word)) return [...before, word]
  throw new InvalidArgumentError('give a name or an address, without a port')
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

function name(word: string): string {
  if (nameForm.test(word)) return word
  throw new InvalidArgumentError('give 1 to 64 letters, digits, dots, hyphens, underscores and @')
}

function days(word: string): number {
  const count = Number(word)
  if (Number.isInteger(count) && count >= clientDays.minimum && count <= clientDays.maximum) return count
  throw new InvalidArgumentError(`give ${clientDays.minimum} to ${clientDays.maximum} days`)
}

async function init({ host: more, json: asJson }: Options & { readonly host: readonly string[] }): Promise<void> {
  const pki = files()
  const nowMs = Date.now()
  onDisk(pki.directory, () => makePrivateDirectory(pki.directory))
  const isNew = !existsSync(pki.ca)
  if (isNew) {
    const authority = await createAuthority(randomBytes(4).toString('hex'), nowMs)
    onDisk(pki.directory, () => {
      writeDurably(pki.caKey, authority.key)
      writeDurably(pki.revoked, listText([]))
      writeDurably(pki.issued, listText([]))
      writeDurably(pki.ca, authority.certificate, 0o644) // last: whoever finds it finds the others
    })
  }
  const hosts = [...new Set([...more, ...usualHosts()])]
  const authority = { certificate: readPem(pki.ca), key: readPem(pki.caKey) }
  const server = await issueServer(authority, { hosts }, nowMs)
  onDisk(pki.directory, () => {
    writeDurably(pki.serverKey, server.key)
    writeDurably(pki.serverCertificate, server.certificate, 0o644)
  })
  if (asJson) {
    process.stdout.write(json({ ca: pki.ca, hosts, isNew, notAfter: new Date(server.notAfterMs).toISOString() }))
    return
  }
  process.stdout.write(`${pki.ca}: ${isNew ? 'the CA of this rig' : 'the CA that there was'}\n`)
  process.stdout.write(`${pki.serverCertificate}: for ${hosts.join(', ')}\n`)
  if (isNew) process.stderr.write('set `remote: { listen: "0.0.0.0:50052" }` in config.yaml to open the door\n')
}

interface IssueOptions extends Options {
  readonly role: Role
  readonly days: number
  readonly out: string
}

async function issue(who: string, { role, days: count, out, json: asJson }: IssueOptions): Promise<void> {
  const pki = files()
  const nowMs = Date.now()
  const authority = { certificate: readPem(pki.ca), key: readPem(pki.caKey) }
  const before = readIssued(pki)
  const made = await issueClient(authority, { name: who, role, days: count }, nowMs)
  const [ca, cert, key] = ['ca.crt', `${who}.crt`, `${who}.key`].map((file) => resolve(out, file)) as [
    string,
    string,
    string,
  ]
  for (const file of [cert, key]) {
    if (existsSync(file))
      throw new RigError('REQUEST_INVALID', `${file} is there already; name another directory with --out`)
  }
  const entry: Issued = {
    ...{ serial: made.serial, name: who, role },
    issued_at: new Date(nowMs).toISOString(),
    not_after: new Date(made.notAfterMs).toISOString(),
  }
  // What is not in the list cannot be revoked by its name: the list comes first.
  onDisk(pki.issued, () => writeDurably(pki.issued, listText([...before, entry])))
  onDisk(out, () => {
    mkdirSync(out, { recursive: true, mode: 0o700 })
    writeFileSync(key, made.key, { flag: 'wx', mode: 0o600, flush: true })
    writeFileSync(cert, made.certificate, { flag: 'wx', mode: 0o644, flush: true })
    writeFileSync(ca, authority.certificate, { mode: 0o644, flush: true })
  })
  if (asJson) process.stdout.write(json({ ...entry, ca, cert, key }))
  else process.stdout.write(`${who} is ${role} until ${entry.not_after}\n--ca ${ca} --cert ${cert} --key ${key}\n`)
}

/** A certificate as it stands at `nowMs`. */
function standings(pki: PkiFiles, nowMs: number) {
  const revoked = new Map(readRevoked(pki).map((each) => [each.serial, each]))
  return readIssued(pki).map((each) => {
    const end = revoked.get(each.serial)
    const isOver = Date.parse(each.not_after) < nowMs
    return { ...each, state: end !== undefined ? 'revoked' : isOver ? 'expired' : 'good', reason: end?.reason ?? '' }
  })
}

function list({ json: asJson }: Options): void {
  const all = standings(files(), Date.now())
  const rows = all.map((each) => [each.name, each.role, each.state, each.not_after, each.serial, each.reason])
  process.stdout.write(asJson ? json(all) : table([['NAME', 'ROLE', 'STATE', 'UNTIL', 'SERIAL', 'REASON'], ...rows]))
}

function revoke(word: string, { reason, json: asJson }: Options & { readonly reason: string }): void {
  const pki = files()
  const serial = word.toLowerCase().replaceAll(':', '').replace(/^0+/, '')
  const meant = standings(pki, Date.now()).filter((each) => each.serial === serial || each.name === word)
  if (meant.length === 0) {
    throw new RigError(
      'REQUEST_INVALID',
      `no certificate has the name or the serial ${JSON.stringify(word)}; see \`wheelctl pki list\``,
    )
  }
  const ends = meant.filter(({ state }) => state !== 'revoked')
  const at = new Date().toISOString()
  const added = ends.map((each) => ({ serial: each.serial, revoked_at: at, reason: reason.slice(0, 300) }))
  if (added.length > 0) onDisk(pki.revoked, () => writeDurably(pki.revoked, listText([...readRevoked(pki), ...added])))
  if (asJson) process.stdout.write(json({ revoked: ends.map((each) => each.serial) }))
  else for (const each of meant) process.stdout.write(`${each.name} (${each.serial}) is revoked\n`)
}

/** `wheelctl pki …`: the CA of this rig, in its directory; no host is needed. */
export const pkiCommand = (): Command =>
  new Command('pki')
    .description('certificates for those who come from elsewhere')
    .addCommand(
      new Command('init')
        .description('makes the CA of this rig, and what the rig shows; again: another one of the latter')
        .option('--host <name>', 'a name or an address by which the rig is reached; may be repeated', host, [])
        .option('--json', 'for programs')
        .action(init),
    )
    .addCommand(
      new Command('issue')
        .description('makes a certificate, and the key that goes with it')
        .argument('<name>', 'whose it is: the audit log has it', name)
        .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
        .option('--days <n>', 'how long it is good', days, clientDays.default)
        .option('--out <directory>', 'where the files go', join('.'))
        .option('--json', 'for programs')
        .action(issue),
    )
    .addCommand(
      new Command('list')
        .description('what was issued, and how it stands')
        .option('--json', 'for programs')
        .action(list),
    )
    .addCommand(
      new Command('revoke')
        .description('ends a certificate: a host that runs lets it in no more within a second')
        .argument('<name-or-serial>', 'all certificates of a name, or the one with this serial number')
        .option('--reason <text>', 'for the list', '')
        .option('--json', 'for programs')
        .action(revoke),
    )
