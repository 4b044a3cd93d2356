import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { ledCountMax } from '../gen/layout.ts'
import type { Frozen } from '../input/freeze.ts'
import { readTextFile } from '../input/text-file.ts'
import { parseFailure, RigError, systemFailure } from '../rpc/failure.ts'
import { openConfigCheck } from '../services/host/config-check.ts'
import { ungrantedFiles } from '../services/host/file-grants.ts'
import { noProgram, safeRequest } from '../services/host/load-request.ts'
import type { PluginManifest } from '../services/host/manifest.ts'
import { resolveArtefact } from '../services/host/manifest-artefact.ts'
import { readPluginConfig } from '../services/host/plugin-config.ts'
import { readPlugin as readInstalled } from '../services/host/registry.ts'
import { checkModuleBytes } from '../services/wasm-runner/compile.ts'
import { type PluginSpec, parseLoadRequest } from '../services/wasm-runner/plugin-spec.ts'
import { encodeTelemetryFrame } from '../shm/telemetry-frame.ts'
import { lapSimulator, simulatorRateHz } from '../telemetry/lap-simulator.ts'
import { findingsOf, type Ran, toJson, toText } from './plugin-test-report.ts'
import { tryConfined } from './plugin-trial.ts'
import { parseSampleData } from './sample-data.ts'

/** Largest file of sample data, bytes: half an hour at 60 frames a second. */
const inputBytesMax = 64 << 20
/** Without a file: so many seconds of the built-in lap. */
const lapSeconds = 10

interface Options {
  readonly input?: string
  readonly leds: number
  readonly ticks?: boolean
  readonly json?: boolean
}

function readModule(path: string): Uint8Array<ArrayBuffer> {
  try {
    checkModuleBytes(statSync(path).size)
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const code = systemFailure(cause, 'FILE_MISSING')
    throw new RigError(code, `${path} cannot be read (${(cause as Error).message}); build the plugin`, { cause })
  }
}

interface Subject {
  readonly spec: PluginSpec
  readonly bytes: Uint8Array<ArrayBuffer>
  /** What it asks for and has not here. */
  readonly ungranted: string
}

const onCall = (name: string): RigError =>
  new RigError(
    'REQUEST_INVALID',
    `${name} runs when somebody asks, and this command runs what ticks; install it and use \`plugin execute\` or \`plugin process\``,
  )

/** What the plugin says about itself, in whatever dialect. Throws what is wrong with it. */
function manifestIn(directory: string): Frozen<PluginManifest> {
  const { manifest, problem } = readInstalled(dirname(directory), basename(directory))
  if (manifest !== null && problem === null) return manifest
  throw parseFailure(problem ?? '') ?? new RigError('MANIFEST_INVALID', problem ?? `${directory} holds no plugin`)
}

/** A plugin as a rig of this version would load it: what its manifest asks for is granted, and no path is. */
async function readPlugin(path: string): Promise<Subject> {
  const directory = basename(path) === 'plugin.yaml' ? dirname(resolve(path)) : resolve(path)
  const manifest = manifestIn(directory)
  if (manifest.onCall !== null) throw onCall(manifest.name)
  if (manifest.pluginClass !== 'Safe') {
    const what = `${manifest.name} is a Fast plugin, and this command runs Safe ones`
    throw new RigError('REQUEST_INVALID', `${what}; put it into the plugin directory of a rig`)
  }
  const check = openConfigCheck()
  try {
    const config = await readPluginConfig(directory, manifest.configSchema, check)
    const artefact = resolveArtefact(directory, manifest.artefact)
    const bytes = readModule(artefact)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const place = { configJson: JSON.stringify(config), order: 0, fileSystem: [], program: noProgram }
    const request = safeRequest(manifest, { path: artefact, sha256, warning: '' }, place)
    return { spec: parseLoadRequest(request), bytes, ungranted: ungrantedFiles(manifest, []) }
  } finally {
    await check.close()
  }
}

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

async function run({ spec, bytes, ungranted }: Subject, frames: Iterable<Uint8Array>, ledCount: number): Promise<Ran> {
  const answer = await tryConfined({ spec, bytes, frames: Buffer.concat([...frames]), ledCount })
  switch (answer.kind) {
    case 'tried':
      return { ...answer, spec, ungranted }
    case 'on call':
      throw onCall(spec.name)
    case 'refused':
      throw new RigError(answer.code, answer.detail)
  }
}

async function testPlugin(path: string, options: Options): Promise<void> {
  const plugin = await readPlugin(path)
  const frames = readFrames(options.input)
  const ran = await run(plugin, frames, options.leds)
  const report = { ...ran, findings: findingsOf(ran) }
  process.stdout.write(options.json ? toJson(report) : toText(report, options.ticks === true))
  if (report.findings.some(({ note }) => !note)) process.exitCode = 1
}

function parseLeds(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= ledCountMax) return count
  throw new InvalidArgumentError(`it must be a whole number from 1 to ${ledCountMax}.`)
}

/** `wheelctl plugin test` */
export const testPluginCommand = (): Command =>
  new Command('test')
    .description('run a Safe plugin in the sandbox, without a rig; exit code 1 when it does what it must not')
    .argument('<path>', 'its directory, or the plugin.yaml in it')
    .option(
      '--input <file>',
      `frames of telemetry: a JSON array, or JSON lines (default: ${lapSeconds} s of a built-in lap)`,
    )
    .option('--leds <count>', 'LEDs of the rim', parseLeds, 15)
    .option('--ticks', 'print each tick')
    .option('--json', 'for programs')
    .action(testPlugin)
