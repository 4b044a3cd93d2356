import { z } from 'zod'
import type { Guest } from './guest.ts'
import { bytesAt } from './guest-bytes.ts'
import { GuestFault } from './guest-fault.ts'

const text = z.string().min(1).max(4096)

/** What `init` says of a plugin. Unknown keys are kept: the guides' plugins have some of their own. */
const metadataSchema = z.looseObject({
  name: text,
  version: text,
  description: z.string().max(4096),
  author: z.string().max(4096),
  license: z.string().max(4096),
  type: z.enum(['action', 'trigger']),
  capabilities: z.array(z.string().max(256)).max(64),
})
export type ActionMetadata = Readonly<z.infer<typeof metadataSchema>>

/** What an action is called for; every plugin of the guides takes this superset. */
export interface ActionRequest {
  readonly action: string
  readonly parameters: readonly string[]
  readonly context: ActionContext
}

export interface ActionContext {
  /** MIDI, 0 to 127; null where there was none. */
  readonly velocity: number | null
  readonly note: number | null
  readonly cc: number | null
  readonly value: number | null
  readonly currentMode: number | null
  /** ms since 1970. */
  readonly timestamp: number
  readonly metadata: Readonly<Record<string, string>>
}

/** The bytes that execute() reads. */
export function encodeRequest({ action, parameters, context }: ActionRequest): Uint8Array {
  const { currentMode, ...rest } = context
  return Buffer.from(JSON.stringify({ action, parameters, context: { ...rest, current_mode: currentMode } }))
}

const metadataBytesMax = 65_536

const broken = (detail: string): GuestFault => new GuestFault({ kind: 'crash', detail })

/** Throws GuestFault: what a plugin says of itself is its code's doing. */
function parseMetadata(bytes: Uint8Array): ActionMetadata {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw broken(`init() returned metadata that is not JSON (${(cause as Error).message})`)
  }
  const parsed = metadataSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw broken(`init() returned metadata that lacks something: ${issue?.path.join('.')}: ${issue?.message}`)
}

/** A plugin of MIDIMon's WebAssembly guide, initialised. */
export interface ActionGuest {
  /** What init() returned. Only before the first execute(), which may write over it. Throws GuestFault. */
  metadata(): ActionMetadata
  /** Calls execute() with the request in memory of the plugin's own, which it gets back. The code is the plugin's. */
  execute(request: ActionRequest): number
}

/** The exports; abi.ts has checked their signatures. */
interface Exports {
  init(): bigint
  execute(pointer: number, length: number): number
  alloc(size: number): number
  dealloc(pointer: number, size: number): void
}

/** Calls init(), as every instance begins with it. */
export function openAction(guest: Guest): ActionGuest {
  const { init, execute, alloc, dealloc } = guest.exports as unknown as Exports
  const packed = BigInt.asUintN(
    64,
    guest.run('init', () => init()),
  )

  function range(what: string, pointer: number, length: number): Uint8Array {
    const bytes = bytesAt(guest, pointer, length)
    if (bytes !== undefined) return bytes
    throw broken(`${what} is at ${pointer}, ${length} bytes, which is not inside its memory`)
  }

  return {
    metadata() {
      const [pointer, length] = [Number(packed >> 32n), Number(packed & 0xffff_ffffn)]
      if (length > metadataBytesMax)
        throw broken(`init() returned ${length} bytes of metadata, more than ${metadataBytesMax}`)
      return parseMetadata(range('the metadata that init() returned', pointer, length))
    },
    execute(request) {
      const json = encodeRequest(request)
      const pointer = guest.run('alloc', () => alloc(json.length)) >>> 0
      if (pointer === 0) throw broken(`alloc(${json.length}) returned 0: it has no memory for the request`)
      range(`what alloc(${json.length}) returned`, pointer, json.length).set(json)
      const code = guest.run('execute', () => execute(pointer, json.length))
      guest.run('dealloc', () => dealloc(pointer, json.length))
      return code
    },
  }
}
