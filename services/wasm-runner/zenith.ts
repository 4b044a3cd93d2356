import { onOneLine } from '../../input/one-line.ts'
import { RigError } from '../../rpc/failure.ts'
import { openExchange } from './exchange.ts'
import type { Guest } from './guest.ts'
import { GuestFault } from './guest-fault.ts'
import type { ZenithForm } from './zenith-forms.ts'

/** What a zenith-1 plugin is asked for. */
export interface ZenithRequest {
  /** An export: `process`, `on_event`, or an operation of the plugin's own. */
  readonly operation: string
  readonly input: Uint8Array
  /** The operation's own parameter block, in the layout that the plugin reads. */
  readonly parameters: Uint8Array
  /** Capacity of the output, bytes; undefined where the plugin's own answer says how much it is, and any is welcome. */
  readonly outputBytes: number | undefined
  /** Bytes of what the plugin counts its output in: 1, or 4 of a tokeniser that returns a number of u32. */
  readonly elementBytes: number
}

export interface ZenithAnswer {
  /** What the operation returned: 0 ok, -1 invalid input, -2 out of memory, -99 other, anything else its own. */
  readonly code: number
  /** Empty unless the code is 0. */
  readonly output: Uint8Array<ArrayBuffer>
}

/** A plugin of the Zenith guide, initialised. */
export interface ZenithGuest {
  /** What plugin_info() names: `name vX.Y.Z`. */
  readonly info: string
  /**
   * Runs one operation. Throws REQUEST_INVALID where the plugin has none of this name, or no room, or no use for what it
   * is sent; GuestFault when its code trapped, ran out of fuel, or says that its output is larger than there was room for.
   */
  run(request: ZenithRequest): ZenithAnswer
  /** Calls its cleanup(), where it has one. */
  close(): void
}

/** Room for an output that nobody bounded: four bytes for each byte of the input, and something to begin with. */
const roomFor = (inputBytes: number): number => 4 * inputBytes + 65_536

/** How long the output may be, in what the operation counts in. */
export const capacityOf = ({ input, outputBytes, elementBytes }: ZenithRequest): number =>
  Math.floor((outputBytes ?? roomFor(input.length)) / elementBytes)

const aligned = (bytes: number): number => (bytes + 15) & ~15

const infoBytesMax = 256

const refuse = (sentence: string): never => {
  throw new RigError('REQUEST_INVALID', sentence)
}
const broken = (detail: string): GuestFault => new GuestFault({ kind: 'crash', detail })

function readInfo(memory: WebAssembly.Memory, pointer: number): string {
  const from = pointer >>> 0
  const bytes = new Uint8Array(memory.buffer).subarray(from, from + infoBytesMax)
  const end = bytes.indexOf(0)
  if (end >= 0) return new TextDecoder().decode(bytes.subarray(0, end))
  throw broken(`plugin_info() returned ${from}, where no text of at most ${infoBytesMax} bytes ends with a zero`)
}

type Operation = (...parameters: (number | bigint)[]) => number

/** How an operation of each form is called. */
type Call = (request: ZenithRequest, operation: Operation) => ZenithAnswer

const nothing = new Uint8Array(0)

function eventCall(guest: Guest): Call {
  return ({ operation, input, parameters }, run) => {
    if (input.length > 0) refuse(`${operation} takes an event and no input; send an empty one`)
    if (parameters.length !== 12) {
      refuse(`the parameters of ${operation} are ${parameters.length} bytes; send 12: an i32 and an i64, little-endian`)
    }
    const view = new DataView(parameters.buffer, parameters.byteOffset, parameters.length)
    const [kind, value] = [view.getInt32(0, true), view.getBigInt64(4, true)]
    return { code: guest.run(operation, () => run(kind, value)), output: nothing }
  }
}

function exchangeCalls(guest: Guest): Record<'counted' | 'parameters', Call> {
  const exchange = openExchange(guest)
  const bytes = (): Uint8Array<ArrayBuffer> => new Uint8Array(guest.memory().buffer)
  const view = (): DataView => new DataView(guest.memory().buffer)

  return {
    /** `in, in_len, out, out_len`: the capacity goes in, the length comes back. */
    counted(request, run) {
      const { operation, input, parameters, elementBytes } = request
      if (parameters.length > 0) refuse(`${operation} has no place for parameters; send none`)
      const capacity = capacityOf(request)
      const output = aligned(input.length)
      const length = output + aligned(capacity * elementBytes)
      const at = exchange.take(length + 16)
      bytes().set(input, at)
      view().setUint32(at + length, capacity, true)
      const code = guest.run(operation, () => run(at, input.length, at + output, at + length))
      if (code !== 0) return { code, output: nothing }
      const written = view().getUint32(at + length, true)
      if (written > capacity) {
        throw broken(`${operation} says that its output is ${written} long, and there was room for ${capacity}`)
      }
      return { code, output: bytes().slice(at + output, at + output + written * elementBytes) }
    },

    /** `in, params, out`: only who knows the operation knows how much comes out. */
    parameters({ operation, input, parameters, outputBytes }, run) {
      if (outputBytes === undefined) {
        return refuse(`${operation} does not say how long its output is; ask for a number of bytes (--output-bytes)`)
      }
      const block = aligned(input.length)
      const output = block + aligned(parameters.length)
      const at = exchange.take(output + outputBytes)
      bytes().set(input, at)
      bytes().set(parameters, at + block)
      const code = guest.run(operation, () => run(at, at + block, at + output))
      return { code, output: code === 0 ? bytes().slice(at + output, at + output + outputBytes) : nothing }
    },
  }
}

/** Begins a plugin whose code has begun: init() once, then what it says of itself. `operations`: of its code. */
export function beginZenith(guest: Guest, operations: ReadonlyMap<string, ZenithForm>): ZenithGuest {
  const { exports } = guest
  const call = (name: string): number | undefined =>
    exports[name] === undefined ? undefined : guest.run(name, exports[name] as () => number)
  const started = call('init') ?? 0
  if (started !== 0) throw broken(`init() returned ${started}, not 0`)
  const info = readInfo(guest.memory(), call('plugin_info') ?? 0)
  const calls: Record<ZenithForm, Call> = { ...exchangeCalls(guest), event: eventCall(guest) }

  return {
    info,
    run(request) {
      const { operation } = request
      const form = operations.get(operation)
      if (form === undefined) {
        const others = [...operations.keys()].slice(0, 20).map((name) => onOneLine(name.slice(0, 64)))
        const asked = JSON.stringify(operation.slice(0, 64))
        return refuse(`the plugin has no operation ${asked}; it has ${others.join(', ')}`)
      }
      return calls[form](request, exports[operation] as Operation)
    },
    close: () => void call('cleanup'),
  }
}
