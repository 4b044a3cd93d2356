import type {
  ProcessInputRequest,
  ProcessInputResponse,
  ProcessInputStart,
} from '../../gen/proto/openracing/v1/plugin.ts'
import type { RunInputRequest, RunInputResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { collectInput, inputBytesMax, parseStart } from './call-request.ts'
import type { Runner } from './runner.ts'

/** Output travels in pieces of this many bytes. */
const pieceBytes = 256 * 1024

async function* parts(requests: AsyncIterable<RunInputRequest>): AsyncGenerator<ProcessInputRequest['part']> {
  for await (const { call } of requests) yield call?.part
}

async function readStart(all: AsyncIterator<ProcessInputRequest['part']>): Promise<ProcessInputStart> {
  const first = await all.next()
  if (first.done !== true && first.value?.$case === 'start') return first.value.value
  throw new RigError('REQUEST_INVALID', 'the first request has no start; send first which plugin is asked for what')
}

async function* inputs(all: AsyncIterable<ProcessInputRequest['part']>): AsyncGenerator<Uint8Array> {
  for await (const part of all) {
    if (part?.$case !== 'input')
      throw new RigError('REQUEST_INVALID', 'a request after the first has no input; send pieces of it')
    yield part.value
  }
}

const answer = (part: ProcessInputResponse['part']): RunInputResponse => ({ answer: { part } })

/** Bytes of the inputs of all calls that are under way: four of the largest. */
const heldBytesMax = 4 * inputBytesMax

/** One call of a plugin over an input: the input is read whole, then the output comes, and the result last. */
export type InputCall = (
  requests: AsyncIterable<RunInputRequest>,
  signal: AbortSignal,
) => AsyncGenerator<RunInputResponse, void, undefined>

/** Calls over inputs. Together they hold so much and no more: SERVICE_UNAVAILABLE beyond that. */
export function createInputCalls(runner: Pick<Runner, 'runInput'>): InputCall {
  let heldBytes = 0

  return async function* call(requests, signal) {
    let mine = 0
    const hold = (bytes: number): void => {
      if (heldBytes + bytes > heldBytesMax) {
        throw new RigError('SERVICE_UNAVAILABLE', `the inputs of other calls are ${heldBytes} bytes; ask again later`)
      }
      heldBytes += bytes
      mine += bytes
    }
    try {
      const all = parts(requests)
      const start = await readStart(all)
      const request = parseStart(start)
      const input = await collectInput(inputs(all), hold)
      const { result, output } = await runner.runInput(start.plugin.toLowerCase(), { ...request, input }, signal)
      for (let at = 0; at < output.length; at += pieceBytes) {
        const piece = output.subarray(at, at + pieceBytes)
        yield answer({ $case: 'output', value: Buffer.from(piece.buffer, piece.byteOffset, piece.length) })
      }
      yield answer({ $case: 'result', value: result })
    } finally {
      heldBytes -= mine
    }
  }
}
