import { readTextFile } from '../input/text-file.ts'
import { RigError } from '../rpc/failure.ts'
import { noProgram, safeRequest } from '../services/host/load-request.ts'
import { parseLoadRequest } from '../services/wasm-runner/plugin-spec.ts'
import { encodeTelemetryFrame } from '../shm/telemetry-frame.ts'
import { lapSimulator, simulatorRateHz } from '../telemetry/lap-simulator.ts'
import type { Subject } from './plugin-subject.ts'
import type { GivenOptions, TestOptions } from './plugin-test-options.ts'
import { findingsOf, toJson, toText } from './plugin-test-report.ts'
import { tryConfined } from './plugin-trial.ts'
import { parseSampleData } from './sample-data.ts'
import { grantedInTrial, ungrantedInTrial } from './trial-grants.ts'

/** Largest file of sample data, bytes: half an hour at 60 frames a second. */
const inputBytesMax = 64 << 20
/** Without a file: so many seconds of the built-in lap. */
export const lapSeconds = 10

function* lap(): Generator<Uint8Array> {
  let left = lapSeconds * simulatorRateHz
  for (const record of lapSimulator().records()) {
    if (left-- === 0) return
    // A rig's hub makes the scalar of the force that belongs to the frame.
    if (record.frame !== undefined) yield encodeTelemetryFrame({ ...record.frame, ffbScalar: record.force.at(-1) ?? 0 })
  }
}

function readFrames(file: string | undefined): Iterable<Uint8Array> {
  if (file === undefined) return lap()
  const text = readTextFile(file, inputBytesMax, 'REQUEST_INVALID')
  if (text === null) throw new RigError('FILE_MISSING', `${file} does not exist; name a file of sample data`)
  const frames = parseSampleData(text, file)
  if (frames.length === 0) throw new RigError('REQUEST_INVALID', `${file} has no sample; write at least one`)
  return frames
}

/** Runs a plugin over frames as a rig would where its user granted what its manifest asks for, but for paths. */
export async function testTicking(
  { manifest, verified, bytes, configJson }: Subject,
  options: TestOptions,
  given: GivenOptions,
): Promise<void> {
  given.refuseOthers('ticking', manifest.name)
  const spec = parseLoadRequest(
    safeRequest(manifest, verified, {
      configJson,
      order: 0,
      terms: { rateHz: manifest.constraints.updateRateHz, granted: grantedInTrial(manifest) },
      program: noProgram,
    }),
  )
  const frames = Buffer.concat([...readFrames(options.input)])
  const tried = await tryConfined({ kind: 'ticking', spec, bytes, frames, ledCount: options.leds })
  const ran = { ...tried, spec, ungranted: ungrantedInTrial(manifest) }
  const report = { ...ran, findings: findingsOf(ran) }
  process.stdout.write(options.json ? toJson(report) : toText(report, options.ticks === true))
  if (report.findings.some(({ note }) => !note)) process.exitCode = 1
}
