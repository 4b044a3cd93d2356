import { readFile, writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { Command } from 'commander'
import {
  type CallResult,
  type ExecuteActionResponse,
  PluginServiceClient,
  type ProcessInputResponse,
} from '../gen/proto/openracing/v1/plugin.ts'
import { whole } from '../input/whole.ts'
import { call, toFailure, within } from '../rpc/client.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { withClient } from './endpoint.ts'
import { parseParameters } from './parameter-block.ts'
import { json } from './table.ts'

/** A call may take 5 s, and wait for others; so may its compilation. */
const callMs = 30_000
/** Input travels in pieces of this many bytes. */
const pieceBytes = 256 * 1024

const midi = whole(0, 127)

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text]

/** What the plugin logged goes to stderr, so that output can be piped. */
function tellLines({ lines }: CallResult): void {
  for (const { level, text } of lines) process.stderr.write(`${level}: ${text}\n`)
}

/** The plugin's own code is the command's answer; that the call failed is its exit status. */
function conclude(result: CallResult, asJson: boolean): void {
  if (asJson) process.stdout.write(json(result))
  else tellLines(result)
  if (result.fault !== '') throw new RigError('PLUGIN_FAILED', result.fault)
  if (!asJson) process.stderr.write(`code ${result.code}, ${result.fuel} instructions, ${result.cpuUs} µs\n`)
  if (result.code !== 0) process.exitCode = 1
}

const missing = (): RigError => new RigError('SERVICE_UNAVAILABLE', 'the host sent no result; ask again')

interface ExecuteOptions {
  readonly param: readonly string[]
  readonly velocity?: number
  readonly note?: number
  readonly cc?: number
  readonly value?: number
  readonly mode?: number
  readonly json?: boolean
}

async function execute(id: string, action: string, options: ExecuteOptions, command: Command): Promise<void> {
  const { velocity, note, cc, value, mode: currentMode } = options
  const request = {
    ...{ id, action, parameters: [...options.param] },
    context: { velocity, note, cc, value, currentMode, timestampMs: undefined, metadata: [] },
  }
  const { result } = await withClient(command, PluginServiceClient, (client) =>
    call<ExecuteActionResponse>((done) => client.executeAction(request, ...within(callMs), done)),
  )
  if (result === undefined) throw missing()
  conclude(result, options.json === true)
}

interface ProcessOptions {
  readonly input: string
  readonly output: string
  readonly operation: string
  readonly params?: Uint8Array
  readonly outputBytes?: number
  readonly elementBytes: number
  readonly json?: boolean
}

/** Not /dev/stdout: that cannot be opened where it is a socket. */
async function writeOutput(file: string, output: Buffer): Promise<void> {
  if (file === '-') {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(output, (cause) => (cause ? reject(cause) : resolve())),
    )
    return
  }
  try {
    await writeFile(file, output)
  } catch (cause) {
    const what = `${file} cannot be written (${(cause as Error).message}); name another file`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), what, { cause })
  }
}

async function readInput(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file)
  } catch (cause) {
    throw new RigError('FILE_MISSING', `${file} cannot be read (${(cause as Error).message}); name a file`, { cause })
  }
}

interface Processed {
  readonly output: Buffer
  readonly result: CallResult
}

async function processBytes(
  client: PluginServiceClient,
  id: string,
  input: Buffer,
  { operation, params, outputBytes, elementBytes }: ProcessOptions,
): Promise<Processed> {
  const stream = client.processInput(...within(callMs))
  const pieces: Buffer[] = []
  let result: CallResult | undefined
  const start = { id, operation, parameters: Buffer.from(params ?? []), outputBytes, elementBytes }
  stream.write({ part: { $case: 'start', value: start } })
  for (let at = 0; at < input.length; at += pieceBytes) {
    stream.write({ part: { $case: 'input', value: input.subarray(at, at + pieceBytes) } })
  }
  stream.end()
  try {
    for await (const { part } of stream as AsyncIterable<ProcessInputResponse>) {
      if (part?.$case === 'output') pieces.push(part.value)
      else if (part?.$case === 'result') result = part.value
    }
  } catch (cause) {
    throw toFailure(cause as Error)
  }
  if (result === undefined) throw missing()
  return { output: Buffer.concat(pieces), result }
}

async function processFile(id: string, options: ProcessOptions, command: Command): Promise<void> {
  if (options.json === true && options.output === '-') {
    throw new RigError('REQUEST_INVALID', '--json and --output - both write to stdout; name a file for the output')
  }
  const input = await readInput(options.input)
  const { output, result } = await withClient(command, PluginServiceClient, (client) =>
    processBytes(client, id, input, options),
  )
  const succeeded = result.fault === '' && result.code === 0
  if (succeeded) await writeOutput(options.output, output)
  conclude(result, options.json === true)
}

/** `wheelctl plugin execute` */
export const executeCommand = (): Command =>
  new Command('execute')
    .description('run an action of a MIDIMon plugin; exits with 1 when the plugin returns another code than 0')
    .argument('<id>', "the plugin's id, or its directory")
    .argument('<action>', 'the action, as the plugin calls it')
    .option('--param <text>', 'a parameter; may be given again', collect, [])
    .option('--velocity <n>', 'MIDI velocity', midi)
    .option('--note <n>', 'MIDI note', midi)
    .option('--cc <n>', 'MIDI controller', midi)
    .option('--value <n>', "the controller's value", midi)
    .option('--mode <n>', 'the current mode', whole(0, 2 ** 32 - 1))
    .option('--json', 'for programs')
    .action(execute)

/** `wheelctl plugin process` */
export const processCommand = (): Command =>
  new Command('process')
    .description('run a file through a Zenith plugin')
    .argument('<id>', "the plugin's id, or its directory")
    .requiredOption('--input <file>', 'what goes in; - for stdin')
    .requiredOption('--output <file>', 'where what comes out is written, when the plugin returns 0; - for stdout')
    .option('--operation <name>', 'an operation of the plugin', 'process')
    .option('--params <list>', 'its parameter block, as type:value,…: u32:640,u32:480; or @FILE', parseParameters)
    .option('--output-bytes <n>', 'room for the output', whole(0, 64 << 20))
    .option('--element-bytes <n>', 'bytes of what the plugin counts its output in, 4 for u32', whole(1, 8), 1)
    .option('--json', 'for programs')
    .action(processFile)
