import type { IbtType } from './ibt-file.ts'

// For tests: writes the smallest file that iRacing could have written.

export interface IbtColumn {
  readonly name: string
  readonly type: IbtType
  /** One list of values for each record. */
  readonly values: readonly (readonly number[])[]
}

const types: { readonly [type in IbtType]: { readonly code: number; readonly bytes: number } } = {
  char: { code: 0, bytes: 1 },
  bool: { code: 1, bytes: 1 },
  s32: { code: 2, bytes: 4 },
  bits: { code: 3, bytes: 4 },
  f32: { code: 4, bytes: 4 },
  f64: { code: 5, bytes: 8 },
}

/** A file with these columns, all with the same number of records, at 60 Hz. */
export function ibtBytes(columns: readonly IbtColumn[], sessionText = ''): Uint8Array {
  const width = ({ type, values }: IbtColumn) => types[type].bytes * (values[0]?.length ?? 1)
  const recordLength = columns.reduce((sum, column) => sum + width(column), 0)
  const recordCount = columns[0]?.values.length ?? 0
  const sessionOffset = 144 + columns.length * 144
  const session = Buffer.from(sessionText, 'latin1')
  const dataOffset = sessionOffset + session.length
  const bytes = Buffer.alloc(dataOffset + recordCount * recordLength)

  const header = [2, 1, 60, 0, session.length, sessionOffset, columns.length, 144, 1, recordLength]
  for (const [index, value] of header.entries()) bytes.writeInt32LE(value, index * 4)
  bytes.writeInt32LE(dataOffset, 52)
  bytes.writeInt32LE(recordCount, 140)
  session.copy(bytes, sessionOffset)

  let offset = 0
  for (const [index, column] of columns.entries()) {
    const entry = 144 + index * 144
    const count = column.values[0]?.length ?? 1
    for (const [at, value] of [types[column.type].code, offset, count].entries())
      bytes.writeInt32LE(value, entry + at * 4)
    bytes.write(column.name, entry + 16, 'latin1')
    for (const [record, values] of column.values.entries()) {
      for (const [at, value] of values.entries()) {
        write(bytes, column.type, dataOffset + record * recordLength + offset + at * types[column.type].bytes, value)
      }
    }
    offset += width(column)
  }
  return bytes
}

function write(bytes: Buffer, type: IbtType, at: number, value: number): void {
  if (type === 'f32') bytes.writeFloatLE(value, at)
  else if (type === 'f64') bytes.writeDoubleLE(value, at)
  else if (type === 's32') bytes.writeInt32LE(value, at)
  else if (type === 'bits') bytes.writeUInt32LE(value, at)
  else bytes.writeUInt8(value, at)
}
