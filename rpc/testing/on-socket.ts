import {
  type ChannelCredentials,
  type Client,
  credentials,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'

/** One service on a Unix socket, and a client of it. */
export async function serveOnSocket<C extends Client, Implementation extends UntypedServiceImplementation>(
  path: string,
  definition: ServiceDefinition<Implementation>,
  implementation: Implementation,
  kind: new (address: string, credentials: ChannelCredentials) => C,
) {
  const server = new Server()
  server.addService(definition, implementation)
  const address = `unix:${path}`
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()))
  })
  const client = new kind(address, credentials.createInsecure())
  return {
    client,
    async close(): Promise<void> {
      client.close()
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    },
  }
}
