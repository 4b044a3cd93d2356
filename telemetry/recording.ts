import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { readForzaDump } from './forza-dump.ts'
import { forzaRecording } from './forza-recording.ts'
import { granTurismoBytes, hasGranTurismoMagic } from './gran-turismo.ts'
import { granTurismoRecording } from './gran-turismo-recording.ts'
import { looksLikeIbt, parseIbt } from './ibt-file.ts'
import { iracingRecording } from './iracing-recording.ts'
import type { Recording } from './record.ts'

// The one edge of this folder: everything else takes bytes.

/** Largest recording, bytes, before and after decompression: more than two hours of iRacing at 60 records of 1 KiB a second. */
export const mostRecordingBytes = 512 * 1024 * 1024

const readable =
  'readable are iRacing .ibt files, decrypted Gran Turismo 7 packets of 368 bytes and Forza "Data Out" datagrams of 232, 311, 324 or 331 bytes, each also as gzip'

/**
 * Reads a recording into memory. What it is follows from its bytes, never from its name. Rejects with FILE_MISSING
 * or PERMISSION_DENIED (it cannot be read) or RECORDING_INVALID (it is not a recording). `mostBytes` bounds the file and what it unpacks to.
 */
export async function openRecording(path: string, mostBytes: number = mostRecordingBytes): Promise<Recording> {
  return recordingFrom(await unpacked(await contentOf(path, mostBytes), path, mostBytes), path)
}

/** The recording that `bytes` are; `name` is for the message. Throws RECORDING_INVALID. */
export function recordingFrom(bytes: Uint8Array, name: string): Recording {
  if (bytes.byteLength === 0) throw invalid(name, 'is empty')
  if (hasGranTurismoMagic(bytes)) return granTurismo(bytes, name)
  if (looksLikeIbt(bytes)) return iracing(bytes, name)
  const dump = readForzaDump(bytes)
  if (dump.kind === 'dump') return forzaRecording(dump.format, dump.packets)
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  throw invalid(name, `begins with ${start}, which no known recording does, and ${dump.reason}`)
}

function granTurismo(bytes: Uint8Array, name: string): Recording {
  const rest = bytes.byteLength % granTurismoBytes
  if (rest === 0) return granTurismoRecording(bytes)
  throw invalid(
    name,
    `begins as Gran Turismo 7 does, but ${bytes.byteLength} bytes are ${rest} more than whole packets of ${granTurismoBytes}`,
  )
}

function iracing(bytes: Uint8Array, name: string): Recording {
  const result = parseIbt(bytes)
  if (result.kind === 'refused') throw invalid(name, `begins as an iRacing file does, but ${result.reason}`)
  if (result.file.recordCount === 0) throw invalid(name, 'is an iRacing file without a single record')
  return iracingRecording(result.file)
}

async function contentOf(path: string, mostBytes: number): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    // Non-blocking: opening a pipe that nobody writes to would otherwise wait for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) throw new RigError('FILE_MISSING', `${path} is not a file; name a recording: ${readable}`)
    if (stat.size > mostBytes) throw invalid(path, `has ${stat.size} bytes, above the bound of ${mostBytes}`)
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    throw new RigError(
      systemFailure(cause, 'FILE_MISSING'),
      `${path} cannot be read (${codeOf(cause)}); check the path and its permissions`,
      { cause },
    )
  } finally {
    await file?.close()
  }
}

async function unpacked(bytes: Uint8Array, path: string, mostBytes: number): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: mostBytes })
  } catch (cause) {
    const why =
      codeOf(cause) === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacks to more than ${mostBytes} bytes`
        : 'is a gzip file that is cut short or damaged'
    throw invalid(path, why, cause)
  }
}

const invalid = (name: string, what: string, cause?: unknown): RigError =>
  new RigError('RECORDING_INVALID', `${name} ${what}; ${readable}`, cause === undefined ? {} : { cause })

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : String(cause)
