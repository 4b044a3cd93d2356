import type { Logger } from 'pino'
import {
  type AddKeyRequest,
  type DistrustKeyResponse,
  type Key,
  type KeyServiceServer,
  TrustLevel,
} from '../../gen/proto/openracing/v1/key.ts'
import { onOneLine } from '../../input/one-line.ts'
import { invalidField } from '../../rpc/failure.ts'
import { unary } from '../../rpc/unary.ts'
import { fingerprint, parsePublicKey } from './ed25519.ts'
import { addKey, distrustKey, exportedKeys, importKeys, type Levelled, type NewKey, removeKey } from './key-changes.ts'
import type { TrustFile } from './trust-file.ts'
import {
  formatTrustStore,
  inOrder,
  parseTrustStore,
  type TrustLevel as StoreLevel,
  type TrustedKey,
} from './trust-store.ts'

const messageOf: Readonly<Record<StoreLevel, TrustLevel>> = {
  Trusted: TrustLevel.TRUST_LEVEL_TRUSTED,
  Unknown: TrustLevel.TRUST_LEVEL_UNKNOWN,
  Distrusted: TrustLevel.TRUST_LEVEL_DISTRUSTED,
}

const levelOf: Readonly<Record<TrustLevel, StoreLevel | null>> = {
  [TrustLevel.TRUST_LEVEL_UNSPECIFIED]: null,
  [TrustLevel.TRUST_LEVEL_TRUSTED]: 'Trusted',
  [TrustLevel.TRUST_LEVEL_UNKNOWN]: 'Unknown',
  [TrustLevel.TRUST_LEVEL_DISTRUSTED]: 'Distrusted',
}

const identifierMax = 200
const noteMax = 1000

/** Text of one line, as lists of keys show it. */
function line(field: string, text: string, max: number): string {
  if (text.length > max) throw invalidField(field, `has ${text.length} characters; the most is ${max}`)
  if (onOneLine(text) === text) return text.trim()
  throw invalidField(field, `is ${onOneLine(JSON.stringify(text.slice(0, 60)))}; write one line of text`)
}

export const keyMessage = (key: TrustedKey): Key => ({
  fingerprint: key.fingerprint,
  identifier: key.identifier,
  comment: key.comment,
  trustLevel: messageOf[key.level],
  addedAt: key.addedAt,
  reason: key.reason,
  userModifiable: key.userModifiable,
})

/** What comes from another rig is shown here as what was written here is. */
function checkNotes({ fingerprint, identifier, comment, reason }: TrustedKey): void {
  line(`identifier of ${fingerprint}`, identifier, identifierMax)
  line(`comment of ${fingerprint}`, comment, noteMax)
  line(`reason of ${fingerprint}`, reason, noteMax)
}

const levelled = ({ key, previous }: Levelled): DistrustKeyResponse => ({
  key: keyMessage(key),
  previousLevel: previous === null ? TrustLevel.TRUST_LEVEL_UNSPECIFIED : messageOf[previous],
})

function newKey({ publicKey, trustLevel, ...notes }: AddKeyRequest, nowMs: number): NewKey {
  if (publicKey === undefined) throw invalidField('public_key', 'is missing; give it as PEM, or as its 32 raw bytes')
  const level = levelOf[trustLevel] ?? null
  if (level === null) throw invalidField('trust_level', 'is missing; give trusted, unknown or distrusted')
  const raw = parsePublicKey(publicKey.value)
  return {
    ...{ raw, fingerprint: fingerprint(raw), level, now: new Date(nowMs).toISOString() },
    reason: line('reason', notes.reason, noteMax),
    identifier: line('identifier', notes.identifier, identifierMax),
    comment: line('comment', notes.comment, noteMax),
  }
}

export interface KeyNeeds {
  readonly keys: TrustFile
  /** Wall clock, ms since 1970. */
  nowMs(): number
  readonly log: Logger
}

/** The handlers of KeyService: translation, and one line in the log for each change. */
export function keyHandlers({ keys, nowMs, log }: KeyNeeds): KeyServiceServer {
  const told = <Response extends object>(change: string, response: Response): Response => {
    log.info({ change, response }, 'the trust store was changed')
    return response
  }
  return {
    listKeys: unary(() => ({ keys: inOrder(keys.read()).map(keyMessage) }), log),
    addKey: unary((request) => {
      const added = newKey(request, nowMs())
      return told('add', levelled(keys.change((now) => addKey(now, added))))
    }, log),
    distrustKey: unary(({ fingerprint, reason }) => {
      const why = line('reason', reason, noteMax)
      return told('distrust', levelled(keys.change((now) => distrustKey(now, fingerprint, why))))
    }, log),
    removeKey: unary(({ fingerprint }) => {
      const removed = keys.change((now) => removeKey(now, fingerprint))
      return told('remove', { key: keyMessage(removed) })
    }, log),
    importKeys: unary(({ trustStore }) => {
      const brought = parseTrustStore(trustStore, { file: 'trust_store', code: 'REQUEST_INVALID' })
      for (const key of brought.values()) checkNotes(key)
      const { added, kept } = keys.change((now) => importKeys(now, brought))
      return told('import', { added: added.map(keyMessage), kept: kept.map(keyMessage) })
    }, log),
    exportKeys: unary(
      ({ includeSystem }) => ({ trustStore: formatTrustStore(exportedKeys(keys.read(), includeSystem)) }),
      log,
    ),
  }
}
