import { Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import {
  type Key,
  KeyServiceClient,
  type KeyServiceServer,
  KeyServiceService,
} from '../../gen/proto/openracing/v1/key.ts'
import { call, connect } from '../../rpc/client.ts'
import type { Home } from '../../rpc/home.ts'
import { bySomebody } from '../../rpc/peer.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import type { AuditLog } from './audit-log.ts'
import { type IsServing, needServing } from './judge.ts'

/** Longest wait for the trust service, ms: it writes two small files to the disk. */
const answerMs = 4000

type Ask<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response: Response) => void,
) => unknown

const fingerprintOf = ({ key }: { readonly key?: Key | undefined }): readonly string[] => (key ? [key.fingerprint] : [])

export interface KeyServiceNeeds {
  readonly home: Home
  readonly isServing: IsServing
  readonly audit: Pick<AuditLog, 'append'>
  readonly log: Logger
}

/**
 * KeyService as the trust service answers it, for programs that know the host's address alone. That the keys are other
 * ones the audit log has by itself, whoever changed them; here it learns who asked for it.
 */
export function keyService({ home, isServing, audit, log }: KeyServiceNeeds): ServiceBinding & { close(): void } {
  const trust = connect(KeyServiceClient, `unix:${home.socket('trust')}`)
  const pass = <Request, Response>(
    ask: Ask<Request, Response>,
    asked = '',
    about: (answer: Response) => readonly string[] = () => [],
  ) =>
    unary<Request, Response>(async (request) => {
      needServing(isServing, 'trust')
      const answer = await call<Response>((done) =>
        ask(request, new Metadata(), { deadline: Date.now() + answerMs }, done),
      )
      for (const subject of about(answer)) {
        audit.append({ kind: 'key', subject, decision: asked, reason: 'by the operator', evidence: bySomebody() })
      }
      return answer
    }, log)
  const implementation: KeyServiceServer = {
    listKeys: pass(trust.listKeys.bind(trust)),
    addKey: pass(trust.addKey.bind(trust), 'add', fingerprintOf),
    distrustKey: pass(trust.distrustKey.bind(trust), 'distrust', fingerprintOf),
    removeKey: pass(trust.removeKey.bind(trust), 'remove', fingerprintOf),
    importKeys: pass(trust.importKeys.bind(trust), 'import', ({ added }) =>
      added.map(({ fingerprint }) => fingerprint),
    ),
    exportKeys: pass(trust.exportKeys.bind(trust)),
  }
  return { ...bind(KeyServiceService, implementation), close: () => trust.close() }
}
