import type {
  ActionContext as ContextMessage,
  ExecuteActionRequest,
  ProcessInputStart,
} from '../../gen/proto/openracing/v1/plugin.ts'
import { invalidField, RigError } from '../../rpc/failure.ts'
import { type ActionContext, type ActionRequest, encodeRequest } from './midimon-action.ts'
import { matching, within } from './request-fields.ts'
import type { ZenithRequest } from './zenith.ts'

/** JSON of an action's request, and a parameter block, bytes: either is copied into the guest whole. */
const requestBytesMax = 65_536
/** Input of one call, and output, bytes. */
export const inputBytesMax = 64 << 20
/** Largest piece of an input, bytes. */
const pieceBytesMax = 1 << 20
const metadataMax = 64
const modeMax = 0xffff_ffff

const invalid = (sentence: string): RigError => new RigError('REQUEST_INVALID', sentence)

function contextOf(context: ContextMessage | undefined, nowMs: number): ActionContext {
  const bounded = (field: string, value: number | undefined, maximum: number): number | null =>
    value === undefined ? null : within(`context.${field}`, value, 0, maximum)
  const metadata = context?.metadata ?? []
  within('the number of entries in context.metadata', metadata.length, 0, metadataMax)
  return {
    velocity: bounded('velocity', context?.velocity, 127),
    note: bounded('note', context?.note, 127),
    cc: bounded('cc', context?.cc, 127),
    value: bounded('value', context?.value, 127),
    currentMode: bounded('current_mode', context?.currentMode, modeMax),
    timestamp: within('context.timestamp_ms', Number(context?.timestampMs ?? nowMs), 0, Number.MAX_SAFE_INTEGER),
    metadata: Object.fromEntries(metadata.map(({ key, value }) => [key, value])),
  }
}

/** Throws REQUEST_INVALID. `nowMs`: since 1970. */
export function parseAction({ action, parameters, context }: ExecuteActionRequest, nowMs: number): ActionRequest {
  if (action === '') throw invalidField('action', 'is empty; send the action, as the plugin calls it')
  const request = { action, parameters, context: contextOf(context, nowMs) }
  const { length } = encodeRequest(request)
  if (length <= requestBytesMax) return request
  throw invalid(`the request is ${length} bytes of JSON; send at most ${requestBytesMax}`)
}

/** What a call over an input begins with. Throws REQUEST_INVALID. */
export function parseStart(start: ProcessInputStart): Omit<ZenithRequest, 'input'> {
  within('the number of bytes in parameters', start.parameters.length, 0, requestBytesMax)
  return {
    operation: matching('operation', start.operation || 'process', /^[^\p{Cc}]{1,255}$/u, 'the name of an export'),
    parameters: new Uint8Array(start.parameters),
    outputBytes:
      start.outputBytes === undefined ? undefined : within('output_bytes', start.outputBytes, 0, inputBytesMax),
    elementBytes: within('element_bytes', start.elementBytes, 0, 8) || 1,
  }
}

/**
 * The pieces as one. Throws REQUEST_INVALID for what is too large, as soon as it is; `hold` is asked before each piece is
 * kept, and throws where there is no room for it.
 */
export async function collectInput(
  pieces: AsyncIterable<Uint8Array>,
  hold: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array[] = []
  let total = 0
  for await (const piece of pieces) {
    if (piece.length > pieceBytesMax) {
      throw invalid(`a piece of the input is ${piece.length} bytes; send pieces of at most ${pieceBytesMax}`)
    }
    total += piece.length
    if (total > inputBytesMax) throw invalid(`the input is more than ${inputBytesMax} bytes; send it in parts`)
    hold(piece.length)
    all.push(piece)
  }
  const input = new Uint8Array(total)
  let at = 0
  for (const piece of all) {
    input.set(piece, at)
    at += piece.length
  }
  return input
}
