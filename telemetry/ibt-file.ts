// The container of iRacing's telemetry files: a header, a table of variables, the session as text, then records of
// fixed length. Every offset and count in it is hostile: all are bounded against the file before one value is read.

/** One column of the records. */
export interface IbtVariable {
  readonly name: string
  readonly type: IbtType
  /** Bytes from the start of a record. */
  readonly offset: number
  /** Successive values of one record: 1, or 6 for a `*_ST` variable. */
  readonly count: number
}

export type IbtType = 'char' | 'bool' | 's32' | 'bits' | 'f32' | 'f64'

export interface IbtFile {
  /** Records a second. */
  readonly tickRateHz: number
  readonly recordCount: number
  readonly variables: ReadonlyMap<string, IbtVariable>
  /** The session as YAML, as the game wrote it. */
  readonly sessionText: string
  /** Value `index` of a variable of this file in record `record`. Both must be in range. */
  read(variable: IbtVariable, record: number, index?: number): number
}

export type IbtResult =
  | { readonly kind: 'ibt'; readonly file: IbtFile }
  | { readonly kind: 'refused'; readonly reason: string }

const typeNames: readonly IbtType[] = ['char', 'bool', 's32', 'bits', 'f32', 'f64']
const typeBytes: { readonly [type in IbtType]: number } = { char: 1, bool: 1, s32: 4, bits: 4, f32: 4, f64: 8 }

const headerBytes = 144 // 112 of the header that shared memory has too, 32 of the disk header
const variableBytes = 144
/** Far above what the game writes (267 in the recording, 300 in the largest seen in public): keeps a hostile table small. */
const mostVariables = 4096
/** Values of one variable in one record. The game has 6 samples and arrays of 64 cars. */
const mostValues = 1024
/** Text above this is not read, bytes. A full field of 60 cars makes about 200 KiB. */
const mostSessionBytes = 4 * 1024 * 1024

/** True when the first bytes are those of the format: version 1 or 2 and a tick rate. */
export function looksLikeIbt(bytes: Uint8Array): boolean {
  if (bytes.byteLength < headerBytes) return false
  const view = viewOf(bytes)
  const version = view.getInt32(0, true)
  const tickRateHz = view.getInt32(8, true)
  return (version === 1 || version === 2) && tickRateHz >= 1 && tickRateHz <= 1000
}

/** Reads the tables of a file. Never throws. */
export function parseIbt(bytes: Uint8Array): IbtResult {
  if (!looksLikeIbt(bytes)) return refusal('it has no header of version 1 or 2 with a tick rate of 1..1000 Hz')
  const view = viewOf(bytes)
  const field = (offset: number): number => view.getInt32(offset, true)
  const [sessionLength, sessionOffset, variableCount, tableOffset] = [field(16), field(20), field(24), field(28)]
  const [recordLength, dataOffset] = [field(36), field(52)]

  if (!between(variableCount, 1, mostVariables))
    return refusal(`it names ${variableCount} variables, not 1..${mostVariables}`)
  if (!inside(bytes, tableOffset, variableCount * variableBytes))
    return refusal(`its variable table at ${tableOffset} ends outside the file`)
  if (!between(sessionLength, 0, mostSessionBytes) || !inside(bytes, sessionOffset, sessionLength)) {
    return refusal(
      `its session text of ${sessionLength} bytes at ${sessionOffset} is outside the file or above ${mostSessionBytes} bytes`,
    )
  }
  if (!between(recordLength, 1, bytes.byteLength)) return refusal(`its records are ${recordLength} bytes long`)
  const recordCount = countRecords(bytes, dataOffset, recordLength, field(140))
  if (typeof recordCount === 'string') return refusal(recordCount)

  const variables = readTable(view, bytes, tableOffset, variableCount, recordLength)
  if (typeof variables === 'string') return refusal(variables)
  const read = (variable: IbtVariable, record: number, index = 0): number =>
    valueAt(
      view,
      variable.type,
      dataOffset + record * recordLength + variable.offset + index * typeBytes[variable.type],
    )
  const sessionText = textAt(bytes, sessionOffset, sessionLength)
  return { kind: 'ibt', file: { tickRateHz: field(8), recordCount, variables, sessionText, read } }
}

/** The game writes the count when it closes the file: 0 means that it could not, and what is there counts. */
function countRecords(bytes: Uint8Array, dataOffset: number, recordLength: number, stated: number): number | string {
  if (!between(dataOffset, headerBytes, bytes.byteLength)) return `its records begin at ${dataOffset}, outside the file`
  const present = Math.floor((bytes.byteLength - dataOffset) / recordLength)
  if (stated < 0 || stated > present)
    return `it states ${stated} records and holds ${present}: it is cut short or damaged`
  return stated === 0 ? present : stated
}

/** A later variable of the same name wins, as in the game's own reader. */
function readTable(
  view: DataView,
  bytes: Uint8Array,
  tableOffset: number,
  count: number,
  recordLength: number,
): ReadonlyMap<string, IbtVariable> | string {
  const variables = new Map<string, IbtVariable>()
  for (let start = tableOffset; start < tableOffset + count * variableBytes; start += variableBytes) {
    const name = textAt(bytes, start + 16, 32)
    const type = typeNames[view.getInt32(start, true)]
    const offset = view.getInt32(start + 4, true)
    const values = view.getInt32(start + 8, true)
    if (type === undefined) return `variable ${JSON.stringify(name)} has type ${view.getInt32(start, true)}, not 0..5`
    if (!between(values, 1, mostValues) || offset < 0 || offset + values * typeBytes[type] > recordLength) {
      return `variable ${JSON.stringify(name)} (${values} values at ${offset}) does not fit a record of ${recordLength} bytes, or has not 1..${mostValues} values`
    }
    variables.set(name, { name, type, offset, count: values })
  }
  return variables
}

function valueAt(view: DataView, type: IbtType, at: number): number {
  switch (type) {
    case 'char':
    case 'bool':
      return view.getUint8(at)
    case 's32':
      return view.getInt32(at, true)
    case 'bits':
      return view.getUint32(at, true)
    case 'f32':
      return view.getFloat32(at, true)
    case 'f64':
      return view.getFloat64(at, true)
  }
}

/** Text up to its NUL. ISO 8859-1, as the game writes: never fails. */
function textAt(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return new TextDecoder('latin1').decode(end === -1 ? field : field.subarray(0, end))
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const between = (value: number, least: number, most: number): boolean => value >= least && value <= most
const inside = (bytes: Uint8Array, offset: number, length: number): boolean =>
  offset >= headerBytes && offset + length <= bytes.byteLength
const refusal = (reason: string): IbtResult => ({ kind: 'refused', reason })
