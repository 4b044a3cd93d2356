import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type {
  handleBidiStreamingCall,
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'

const protoDir = fileURLToPath(new URL('../proto', import.meta.url))
const files = ['plugin', 'rig', 'chain', 'supervisor', 'telemetry', 'trust', 'wasm_runner', 'dsp_helper']

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

/** What the library would add to a server, by the path of its method. */
function readReflection(services: readonly string[]): ReadonlyMap<string, Reflection> {
  const require = createRequire(import.meta.url)
  const { loadSync }: typeof import('@grpc/proto-loader') = require('@grpc/proto-loader')
  const { ReflectionService }: typeof import('@grpc/reflection') = require('@grpc/reflection')
  const found = new Map<string, Reflection>()
  const collect = {
    addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
      const method = definition[methodName] as Method
      found.set(method.path, { method, handle: implementation[methodName] as Handle })
    },
  }
  // Without grpc.health.v1: its map field comes out of protobufjs as a descriptor that other languages refuse.
  const definitions = loadSync(
    files.map((file) => `openracing/v1/${file}.proto`),
    { includeDirs: [protoDir] },
  )
  new ReflectionService(definitions, { services: [...services] }).addToServer(collect as unknown as Server)
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
