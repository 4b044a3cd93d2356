// grpc-answers.ts SOCKET: sends every message of a stream back, until stdin ends.
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { echo } from './echo-service.ts'

const server = new Server()
server.addService(
  { echo },
  {
    echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (slot: Buffer) => call.write(slot))
      call.on('end', () => call.end())
    },
  },
)
server.bindAsync(`unix:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error
  process.stdout.write('ready\n')
})
process.stdin.resume().once('end', () => process.exit(0))
