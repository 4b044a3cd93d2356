import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import type {
  handleBidiStreamingCall,
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { PackageDefinition } from '@grpc/proto-loader'

/** google.protobuf.FileDescriptorSet of every contract here, of health checks and of reflection: rpc/contracts writes it. */
const contracts = new URL('../gen/contracts.binpb', import.meta.url)

const healthName = 'grpc.health.v1.Health'
/** Both versions of the service that clients ask for. */
const reflectionNames = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection']
const methodName = 'ServerReflectionInfo'

// biome-ignore lint/suspicious/noExplicitAny: the messages are the library's own
type Method = MethodDefinition<any, any>
type Handle = handleBidiStreamingCall<unknown, unknown>
interface Reflection {
  readonly method: Method
  readonly handle: Handle
}

/** Each google.protobuf.FileDescriptorProto of the set, encoded. */
function readDescriptors(): readonly Buffer[] {
  const reader = new BinaryReader(readFileSync(contracts))
  const files: Buffer[] = []
  while (reader.pos < reader.len) {
    reader.tag() // 1, the only field of the set
    files.push(Buffer.from(reader.bytes()))
  }
  return files
}

/** What the library would add to a server, by the path of its method. */
function readReflection(services: readonly string[]): ReadonlyMap<string, Reflection> {
  const require = createRequire(import.meta.url)
  const { ReflectionService }: typeof import('@grpc/reflection') = require('@grpc/reflection')
  const found = new Map<string, Reflection>()
  const collect = {
    addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
      const method = definition[methodName] as Method
      found.set(method.path, { method, handle: implementation[methodName] as Handle })
    },
  }
  // All that the library reads of a package definition.
  const definitions = { contracts: { fileDescriptorProtos: readDescriptors() } } as unknown as PackageDefinition
  const all = [...services, healthName, ...reflectionNames]
  new ReflectionService(definitions, { services: all }).addToServer(collect as unknown as Server)
  return found
}

/**
 * Adds server reflection for `services`. The contracts are read when somebody first asks: reading them takes a third of
 * a service's start.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  let read: ReadonlyMap<string, Reflection> | undefined
  function reflectionAt(path: string): Reflection {
    read ??= readReflection(services)
    return read.get(path) as Reflection
  }
  for (const name of reflectionNames) {
    const path = `/${name}/${methodName}`
    const method: Method = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (value) => reflectionAt(path).method.requestSerialize(value),
      requestDeserialize: (bytes) => reflectionAt(path).method.requestDeserialize(bytes),
      responseSerialize: (value) => reflectionAt(path).method.responseSerialize(value),
      responseDeserialize: (bytes) => reflectionAt(path).method.responseDeserialize(bytes),
    }
    server.addService(
      { [methodName]: method },
      { [methodName]: ((call) => reflectionAt(path).handle(call)) satisfies Handle },
    )
  }
}
