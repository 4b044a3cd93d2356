import { errno } from '../wasi/errno.ts'
import { nothingGranted, type Preopen, type WasiGrants } from '../wasi/grants.ts'
import { type WasiFunction, wasiModule, wasiSignatures } from '../wasi/signatures.ts'
import { createWasi } from '../wasi/wasi.ts'
import { wasmOf } from './wasm-text.ts'

/** Bytes of the guest's memory. */
export const memoryBytes = 65_536

/** `(i32, i64) -> i32` as WebAssembly text has it in a function. */
function typeText(signature: string): string {
  const [parameters = '', result = ''] = signature.replaceAll(/[(),]/g, '').split('->')
  return `(param ${parameters})${result.trim() && ` (result ${result})`}`
}

const functions = Object.entries(wasiSignatures)
/** A module that hands on every function: what is called from here goes through WebAssembly as a guest's calls do. */
const text = `(module
  ${functions.map(([name, type]) => `(import "${wasiModule}" "${name}" (func $${name} ${typeText(type)}))`).join('\n')}
  (memory (export "memory") 1 1)
  ${functions.map(([name]) => `(export "${name}" (func $${name}))`).join('\n')})`
const handsOn = new WebAssembly.Module(wasmOf(text))

export type Parameter = number | bigint

/** Where things are put: results low, texts above. */
const resultAt = 8
const textAt = 1024

/** A guest that does what a test says, one call at a time. */
export interface RawWasi extends Disposable {
  /** Calls a function; returns the name of its answer. */
  call(name: WasiFunction, ...parameters: readonly Parameter[]): string
  readonly memory: Buffer
  /** Puts a text into the memory; `place` tells several apart. Returns pointer and length. */
  put(text: string, place?: number): readonly [number, number]
  /** Where results go, and the u32 and u64 that are there. */
  readonly result: number
  u32(): number
  u64(): bigint
  /** Opens a path below descriptor 3, or `directory`; returns the descriptor, or the name of the answer. */
  open(path: string, how?: Opening): number | string
  /** Reads up to so many bytes of a descriptor, or the name of the answer. */
  read(fd: number, bytes?: number): string
  write(fd: number, text: string): string
  /** See Wasi.grant. */
  grant(granted: readonly Preopen[]): void
  /** Lines that were written, with their level. */
  readonly lines: readonly string[]
}

export interface Opening {
  readonly directory?: number
  readonly rights?: bigint
  readonly inheriting?: bigint
  readonly oflags?: number
  readonly fdflags?: number
  readonly follow?: boolean
}

/** Rights by their bits: all, and what reading needs. */
export const allRights = (1n << 29n) - 1n
export const readRights = (1n << 1n) | (1n << 2n) | (1n << 5n) | (1n << 14n) | (1n << 21n)

const nameOf = (answer: unknown): string =>
  Object.entries(errno).find(([, number]) => number === answer)?.[0] ?? `answer ${answer}`

export interface RawOptions {
  readonly grants?: Partial<WasiGrants>
  readonly pay?: (units: number) => boolean
  readonly nowNs?: () => bigint
}

export const grant = (path: string, access: Preopen['access'], name = '/granted'): Partial<WasiGrants> => ({
  preopens: [{ name, path, access }],
})

export function rawWasi({ grants = {}, pay = () => true, nowNs = () => 0n }: RawOptions = {}): RawWasi {
  const lines: string[] = []
  let instance: WebAssembly.Instance | undefined
  const wasi = createWasi(
    { ...nothingGranted, ...grants },
    {
      memory: () => instance?.exports.memory as WebAssembly.Memory | undefined,
      pay,
      end(cause) {
        throw cause
      },
      writeLine: (level, line) => lines.push(`${level} ${Buffer.from(line)}`),
      realtimeNs: nowNs,
      monotonicNs: nowNs,
    },
  )
  instance = new WebAssembly.Instance(handsOn, { [wasiModule]: wasi.imports })
  const exported = instance.exports as Record<string, (...parameters: readonly Parameter[]) => unknown>
  const memory = Buffer.from((instance.exports.memory as WebAssembly.Memory).buffer)
  const call: RawWasi['call'] = (name, ...parameters) => nameOf(exported[name]!(...parameters))
  const put: RawWasi['put'] = (text, place = 0) => {
    const at = textAt + place * 8192
    return [at, memory.write(text, at)]
  }
  const vector = (pointer: number, length: number): number => {
    memory.writeUInt32LE(pointer, 16)
    memory.writeUInt32LE(length, 20)
    return 16
  }

  return {
    call,
    memory,
    put,
    result: resultAt,
    u32: () => memory.readUInt32LE(resultAt),
    u64: () => memory.readBigUInt64LE(resultAt),
    open(
      path,
      { directory = 3, rights = readRights, inheriting = rights, oflags = 0, fdflags = 0, follow = true } = {},
    ) {
      const answer = call(
        'path_open',
        ...[directory, follow ? 1 : 0, ...put(path), oflags, rights, inheriting, fdflags, resultAt],
      )
      return answer === 'SUCCESS' ? memory.readUInt32LE(resultAt) : answer
    },
    read(fd, bytes = 4096) {
      const answer = call('fd_read', fd, vector(textAt, bytes), 1, resultAt)
      return answer === 'SUCCESS' ? memory.toString('utf8', textAt, textAt + memory.readUInt32LE(resultAt)) : answer
    },
    write: (fd, text) => call('fd_write', fd, vector(...put(text)), 1, resultAt),
    grant: wasi.grant,
    lines,
    [Symbol.dispose]: wasi.close,
  }
}
