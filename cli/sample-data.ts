import { telemetryFrame as layout, telemetryFrameBytes } from '../gen/layout.ts'
import { closest } from '../input/closest.ts'
import { RigError } from '../rpc/failure.ts'
import { idBytesMax } from '../shm/telemetry-frame.ts'

type Field = keyof typeof layout

const floatMax = 3.4028234663852886e38
const uintMax = 0xffff_ffff
/** Bits of the contract's flags: yellow to session_paused. */
const flagMask = 0x7_ffff

/** What a number may be, where it is less than its kind allows: the bounds of what a game may send. */
const bounds: Partial<Record<Field, readonly [least: number, most: number]>> = {
  ffb_scalar: [-1, 1],
  slip_ratio: [0, 1],
  gear: [-1, 127],
  flags: [0, flagMask],
  throttle: [0, 1],
  brake: [0, 1],
  clutch: [0, 1],
  fuel_fraction: [0, 1],
}

const kinds = {
  u64: { whole: true, least: 0, most: Number.MAX_SAFE_INTEGER },
  u32: { whole: true, least: 0, most: uintMax },
  i32: { whole: true, least: -2_147_483_648, most: 2_147_483_647 },
  f32: { whole: false, least: -floatMax, most: floatMax },
} as const

const ids: readonly string[] = ['car_id', 'track_id', 'session_id']
const fields = Object.keys(layout) as readonly Field[]
const isField = (name: string): name is Field => Object.hasOwn(layout, name)

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 64) ?? 'nothing'

function numberProblem(name: Field, kind: keyof typeof kinds, value: unknown): string | undefined {
  const { whole } = kinds[kind]
  const [least, most] = bounds[name] ?? [kinds[kind].least, kinds[kind].most]
  const fits = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))
  return fits
    ? undefined
    : `${name} is ${shown(value)}; write a ${whole ? 'whole ' : ''}number from ${least} to ${most}`
}

function wheelsProblem(name: Field, value: unknown): string | undefined {
  const fits =
    Array.isArray(value) &&
    value.length === 4 &&
    value.every((each) => typeof each === 'number' && Number.isFinite(Math.fround(each)))
  return fits ? undefined : `${name} is ${shown(value)}; write four numbers: FL, FR, RL, RR`
}

function idProblem(name: Field, value: unknown): string | undefined {
  const fits = typeof value === 'string' && Buffer.byteLength(value) <= idBytesMax && !/\p{Cc}/u.test(value)
  return fits ? undefined : `${name} is ${shown(value)}; write text of at most ${idBytesMax} bytes on one line`
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!isField(name)) {
    const meant = closest(name, fields)
    return `${shown(name)} is no field of TelemetryFrame; ${meant === undefined ? 'remove it' : `did you mean ${meant}?`}`
  }
  const { kind } = layout[name]
  if (kind !== 'bytes') return numberProblem(name, kind, value)
  return ids.includes(name) ? idProblem(name, value) : wheelsProblem(name, value)
}

function put(view: DataView, name: Field, value: unknown): void {
  const { offset, kind } = layout[name]
  if (kind === 'f32') view.setFloat32(offset, value as number, true)
  else if (kind === 'u32') view.setUint32(offset, value as number, true)
  else if (kind === 'i32') view.setInt32(offset, value as number, true)
  else if (kind === 'u64') view.setBigUint64(offset, BigInt(value as number), true)
  else if (typeof value === 'string') Buffer.from(view.buffer).write(value, offset)
  else for (const [wheel, number] of (value as number[]).entries()) view.setFloat32(offset + wheel * 4, number, true)
}

/** The 256 bytes of a sample. What is left out is 0. Throws REQUEST_INVALID; `place` is where it stands. */
function frameOf(sample: unknown, place: string): Uint8Array {
  const fail = (sentence: string): RigError => new RigError('REQUEST_INVALID', `${place}: ${sentence}`)
  if (typeof sample !== 'object' || sample === null || Array.isArray(sample)) {
    throw fail(`there is ${shown(sample)}; write an object with fields of TelemetryFrame`)
  }
  const view = new DataView(new ArrayBuffer(telemetryFrameBytes))
  for (const [name, value] of Object.entries(sample)) {
    const problem = problemOf(name, value)
    if (problem !== undefined) throw fail(problem)
    put(view, name as Field, value)
  }
  return new Uint8Array(view.buffer)
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RigError('REQUEST_INVALID', `${place}: not JSON (${(cause as Error).message})`, { cause })
  }
}

/** The line, from 1, on which each element of an array begins. The text is valid JSON. */
function linesOfElements(text: string): readonly number[] {
  const lines: number[] = []
  let [line, depth] = [1, 0]
  let expected = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|\n|[[{\]},]|[^\s"[\]{},]+/g)) {
    if (token === '\n') {
      line++
      continue
    }
    const closes = token === ']' || token === '}'
    if (expected && !closes) lines.push(line)
    expected = (depth === 0 && token === '[') || (depth === 1 && token === ',')
    if (token === '[' || token === '{') depth++
    if (closes) depth--
  }
  return lines
}

/**
 * The frames of sample data: a JSON array, or JSON lines, of objects with the field names of TelemetryFrame. Throws
 * REQUEST_INVALID with file, line and field.
 */
export function parseSampleData(text: string, file: string): readonly Uint8Array[] {
  if (text.trimStart().startsWith('[')) {
    const samples = parse(text, file) as readonly unknown[]
    const lines = linesOfElements(text)
    return samples.map((sample, index) => frameOf(sample, `${file}:${lines[index]}`))
  }
  return text.split('\n').flatMap((line, index) => {
    const place = `${file}:${index + 1}`
    return line.trim() === '' ? [] : [frameOf(parse(line, place), place)]
  })
}
