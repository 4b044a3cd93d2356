import type { Logger } from 'pino'
import {
  AuditKind,
  type AuditServiceServer,
  AuditServiceService,
  type AuditEntry as EntryMessage,
  type ListAuditEntriesRequest,
  type ListAuditEntriesResponse,
  type VerifyAuditLogResponse,
} from '../../gen/proto/openracing/v1/audit.ts'
import { invalidField } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import { type AuditEntry, type AuditVerdict, auditKinds, type AuditKind as Kind } from './audit-chain.ts'
import type { AuditChecks } from './audit-check.ts'
import type { AuditLog } from './audit-log.ts'

const pageDefault = 100
const pageMax = 1000

const messageOf: Readonly<Record<Kind, AuditKind>> = {
  artefact: AuditKind.AUDIT_KIND_ARTEFACT,
  key: AuditKind.AUDIT_KIND_KEY,
  plugin: AuditKind.AUDIT_KIND_PLUGIN,
}

const entryMessage = ({ number, atMs, kind, ...rest }: AuditEntry): EntryMessage => ({
  ...rest,
  number: BigInt(number),
  timeUnixMs: BigInt(atMs),
  kind: messageOf[kind],
})

function kindOf(kind: AuditKind): Kind | '' {
  if (kind === AuditKind.AUDIT_KIND_UNSPECIFIED) return ''
  const found = auditKinds.find((word) => messageOf[word] === kind)
  if (found !== undefined) return found
  throw invalidField('kind', `is ${kind}; give 1 to ${auditKinds.length}, or 0 for all`)
}

function beforeOf(token: string): number {
  if (token === '') return 0
  const number = Number(token)
  if (/^[0-9]{1,15}$/.test(token) && number > 0) return number
  throw invalidField('page_token', `is ${JSON.stringify(token.slice(0, 60))}; give that of the answer before`)
}

function list(log: Pick<AuditLog, 'list'>, request: ListAuditEntriesRequest): ListAuditEntriesResponse {
  const limit = request.pageSize || pageDefault
  if (limit > pageMax) throw invalidField('page_size', `is ${limit}; the most is ${pageMax}`)
  const query = { kind: kindOf(request.kind), subject: request.subject, before: beforeOf(request.pageToken) }
  const found = log.list({ ...query, limit: limit + 1 }) // one more says whether there are more
  const entries = found.slice(0, limit)
  const next = found.length > limit ? entries.at(-1) : undefined
  return { entries: entries.map(entryMessage), nextPageToken: next === undefined ? '' : `${next.number}` }
}

function verdictMessage(verdict: AuditVerdict): VerifyAuditLogResponse {
  if (verdict.kind === 'intact') {
    return { intact: true, entries: BigInt(verdict.entries), head: verdict.head, problem: '' }
  }
  const problem = `entry ${verdict.number} of the audit log is not as it should be: ${verdict.why}`
  return { intact: false, entries: BigInt(verdict.number - 1), head: '', problem }
}

function headOf(head: string): string {
  if (/^([0-9a-f]{64})?$/i.test(head)) return head.toLowerCase()
  throw invalidField('head', `is ${JSON.stringify(head.slice(0, 80))}; give 64 hex digits, or nothing`)
}

/** AuditService over the audit log. */
export function auditService(
  audit: Pick<AuditLog, 'list'>,
  checks: Pick<AuditChecks, 'verify'>,
  log: Logger,
): ServiceBinding {
  const implementation: AuditServiceServer = {
    listAuditEntries: unary((request) => list(audit, request), log),
    verifyAuditLog: unary(async ({ head }, signal) => verdictMessage(await checks.verify(headOf(head), signal)), log),
  }
  return bind(AuditServiceService, implementation)
}
