import type { MethodDefinition } from '@grpc/grpc-js'

const asIs = (bytes: Buffer): Buffer => bytes

/** A stream of bytes each way: what gRPC itself costs, without a message format. */
export const echo: MethodDefinition<Buffer, Buffer> = {
  path: '/openracing.bench.Echo/Echo',
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
}
