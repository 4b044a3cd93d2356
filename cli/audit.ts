import { Command, InvalidArgumentError } from 'commander'
import {
  type AuditEntry,
  AuditKind,
  AuditServiceClient,
  type ListAuditEntriesResponse,
  type VerifyAuditLogResponse,
} from '../gen/proto/openracing/v1/audit.ts'
import { call, within } from '../rpc/client.ts'
import { auditKindOf, auditKindWord } from '../rpc/words.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'
import { wordedEntry } from './worded.ts'

/** How long reading the whole log may take, ms. */
const verifyMs = 60_000
const pageSize = 1000

interface ListOptions {
  readonly json?: boolean
  readonly limit: number
  readonly kind: AuditKind
  readonly subject: string
}

function parseKind(text: string): AuditKind {
  const kind = auditKindOf(text)
  if (kind !== undefined) return kind
  throw new InvalidArgumentError('it must be artefact, key, plugin.')
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000) return limit
  throw new InvalidArgumentError('it must be a whole number from 1 to 1000000.')
}

/** The newest entries, page by page. */
async function newest(
  client: AuditServiceClient,
  { limit, kind, subject }: ListOptions,
): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = []
  for (let pageToken = ''; ; ) {
    const request = { pageSize: Math.min(pageSize, limit - entries.length), pageToken, kind, subject }
    const page = await call<ListAuditEntriesResponse>((done) =>
      client.listAuditEntries(request, ...within(answerMs), done),
    )
    entries.push(...page.entries)
    pageToken = page.nextPageToken
    if (pageToken === '' || entries.length >= limit) return entries
  }
}

const rowOf = ({ number, timeUnixMs, kind, subject, decision, reason }: AuditEntry): readonly string[] => [
  `${number}`,
  new Date(Number(timeUnixMs)).toISOString(),
  auditKindWord(kind),
  subject,
  decision,
  reason,
]

async function list(options: ListOptions, command: Command): Promise<void> {
  const entries = await withClient(command, AuditServiceClient, (client) => newest(client, options))
  const rows = [['NUMBER', 'TIME', 'KIND', 'SUBJECT', 'DECISION', 'REASON'], ...entries.map(rowOf)]
  process.stdout.write(options.json ? json(entries.map(wordedEntry)) : table(rows))
}

async function verify(options: { readonly json?: boolean; readonly head: string }, command: Command): Promise<void> {
  const answer = await withClient(command, AuditServiceClient, (client) =>
    call<VerifyAuditLogResponse>((done) => client.verifyAuditLog({ head: options.head }, ...within(verifyMs), done)),
  )
  const told = answer.intact ? `intact: ${answer.entries} entries\nhead: ${answer.head}\n` : `${answer.problem}\n`
  process.stdout.write(options.json ? json(answer) : told)
  if (!answer.intact) process.exitCode = 1
}

/** `wheelctl audit …` */
export const auditCommand = (): Command =>
  new Command('audit')
    .description('every decision about plugins and keys, and why')
    .addCommand(
      new Command('list')
        .description('the newest first')
        .option('--limit <n>', 'how many', parseLimit, 100)
        .option('--kind <kind>', 'artefact, key or plugin', parseKind, AuditKind.AUDIT_KIND_UNSPECIFIED)
        .option('--subject <text>', 'about one plugin (its directory), or one key (its fingerprint)', '')
        .option('--json', 'for programs')
        .action(list),
    )
    .addCommand(
      new Command('verify')
        .description('whether the log is what was written; exit 1 when it is not')
        .option('--head <hash>', 'the hash of an entry that was kept elsewhere, which must be in it', '')
        .option('--json', 'for programs')
        .action(verify),
    )
