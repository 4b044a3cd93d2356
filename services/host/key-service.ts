import { Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { KeyServiceClient, type KeyServiceServer, KeyServiceService } from '../../gen/proto/openracing/v1/key.ts'
import { call, connect } from '../../rpc/client.ts'
import type { Home } from '../../rpc/home.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import { type IsServing, needServing } from './judge.ts'

/** Longest wait for the trust service, ms: it writes two small files to the disk. */
const answerMs = 4000

type Ask<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response: Response) => void,
) => unknown

/** KeyService as the trust service answers it, for programs that know the host's address alone. */
export function keyService(home: Home, isServing: IsServing, log: Logger): ServiceBinding & { close(): void } {
  const trust = connect(KeyServiceClient, `unix:${home.socket('trust')}`)
  const pass = <Request, Response>(ask: Ask<Request, Response>) =>
    unary<Request, Response>((request) => {
      needServing(isServing, 'trust')
      return call((done) => ask(request, new Metadata(), { deadline: Date.now() + answerMs }, done))
    }, log)
  const implementation: KeyServiceServer = {
    listKeys: pass(trust.listKeys.bind(trust)),
    addKey: pass(trust.addKey.bind(trust)),
    distrustKey: pass(trust.distrustKey.bind(trust)),
    removeKey: pass(trust.removeKey.bind(trust)),
    importKeys: pass(trust.importKeys.bind(trust)),
    exportKeys: pass(trust.exportKeys.bind(trust)),
  }
  return { ...bind(KeyServiceService, implementation), close: () => trust.close() }
}
