import type {
  ProcessInputRequest,
  ProcessInputResponse,
  ProcessInputStart,
} from '../../gen/proto/openracing/v1/plugin.ts'
import type { RunInputRequest, RunInputResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { collectInput, parseStart } from './call-request.ts'
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

/** One call of a plugin over an input: the input is read whole, then the output comes, and the result last. */
export async function* runOverInput(
  runner: Pick<Runner, 'runInput'>,
  requests: AsyncIterable<RunInputRequest>,
  signal: AbortSignal,
): AsyncGenerator<RunInputResponse, void, undefined> {
  const all = parts(requests)
  const start = await readStart(all)
  const request = parseStart(start)
  const input = await collectInput(inputs(all))
  const { result, output } = await runner.runInput(start.id.toLowerCase(), { ...request, input }, signal)
  for (let at = 0; at < output.length; at += pieceBytes) {
    yield answer({
      $case: 'output',
      value: Buffer.from(output.buffer, output.byteOffset + at, Math.min(pieceBytes, output.length - at)),
    })
  }
  yield answer({ $case: 'result', value: result })
}
