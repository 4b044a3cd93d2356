import { Command } from 'commander'
import {
  type CallResult,
  type ExecuteActionResponse,
  PluginServiceClient,
  type ProcessInputResponse,
  type ProcessInputStart,
} from '../gen/proto/openracing/v1/plugin.ts'
import { call, toFailure, within } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import { type ActionOptions, actionRequest, withActionOptions } from './action-options.ts'
import { readInput, writeOutput } from './call-files.ts'
import { withClient } from './endpoint.ts'
import { type OperationOptions, operationStart, withOperationOptions } from './operation-options.ts'
import { json } from './table.ts'

/** A call may take 5 s, and wait for others; so may its compilation. */
const callMs = 30_000
/** Input travels in pieces of this many bytes. */
const pieceBytes = 256 * 1024

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

interface ExecuteOptions extends ActionOptions {
  readonly json?: boolean
}

async function execute(id: string, action: string, options: ExecuteOptions, command: Command): Promise<void> {
  const request = actionRequest(id, action, options)
  const { result } = await withClient(command, PluginServiceClient, (client) =>
    call<ExecuteActionResponse>((done) => client.executeAction(request, ...within(callMs), done)),
  )
  if (result === undefined) throw missing()
  conclude(result, options.json === true)
}

interface ProcessOptions extends OperationOptions {
  readonly input: string
  readonly output: string
  readonly json?: boolean
}

interface Processed {
  readonly output: Buffer
  readonly result: CallResult
}

async function processBytes(client: PluginServiceClient, start: ProcessInputStart, input: Buffer): Promise<Processed> {
  const stream = client.processInput(...within(callMs))
  const pieces: Buffer[] = []
  let result: CallResult | undefined
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
    processBytes(client, operationStart(id, options), input),
  )
  const succeeded = result.fault === '' && result.code === 0
  if (succeeded) await writeOutput(options.output, output)
  conclude(result, options.json === true)
}

/** `wheelctl plugin execute` */
export const executeCommand = (): Command =>
  withActionOptions(
    new Command('execute')
      .description('run an action of a MIDIMon plugin; exits with 1 when the plugin returns another code than 0')
      .argument('<id>', "the plugin's id, or its directory")
      .argument('<action>', 'the action, as the plugin calls it'),
  )
    .option('--json', 'for programs')
    .action(execute)

/** `wheelctl plugin process` */
export const processCommand = (): Command =>
  withOperationOptions(
    new Command('process')
      .description('run a file through a Zenith plugin')
      .argument('<id>', "the plugin's id, or its directory")
      .requiredOption('--input <file>', 'what goes in; - for stdin')
      .requiredOption('--output <file>', 'where what comes out is written, when the plugin returns 0; - for stdout'),
  )
    .option('--json', 'for programs')
    .action(processFile)
