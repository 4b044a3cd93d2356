import { RigError } from '../rpc/failure.ts'
import { onCallRequest } from '../services/host/load-request.ts'
import type { OnCallAbi } from '../services/wasm-runner/abi.ts'
import { inputBytesMax, parseAction, parseStart } from '../services/wasm-runner/call-request.ts'
import type { TrialWish } from '../services/wasm-runner/call-trial.ts'
import { parseOnCallRequest } from '../services/wasm-runner/on-call-spec.ts'
import { actionRequest } from './action-options.ts'
import { readInput, writeOutput } from './call-files.ts'
import { operationStart } from './operation-options.ts'
import type { Subject } from './plugin-subject.ts'
import { calledFindings, calledToJson, calledToText } from './plugin-test-called-report.ts'
import type { GivenOptions, TestOptions } from './plugin-test-options.ts'
import { tryConfined } from './plugin-trial.ts'
import { grantedInTrial, ungrantedInTrial } from './trial-grants.ts'

async function readBounded(file: string): Promise<Uint8Array> {
  const input = await readInput(file)
  if (input.length <= inputBytesMax) return input
  throw new RigError('REQUEST_INVALID', `${file} is more than ${inputBytesMax} bytes; send it in parts`)
}

/** What it is to be called for. What kind of plugin it is shows when it is compiled: the options must mean one of them. */
async function wishOf(id: string, options: TestOptions, given: GivenOptions): Promise<TrialWish | undefined> {
  if (options.output === '-') {
    throw new RigError('REQUEST_INVALID', '--output - and the report both write to stdout; name a file for the output')
  }
  if (given.has('midimon-action-1') && given.has('zenith-1')) return undefined
  if (options.action !== undefined) {
    return { kind: 'action', request: parseAction(actionRequest(id, options.action, options), Date.now()) }
  }
  if (!given.has('zenith-1')) return undefined
  const input = options.input === undefined ? new Uint8Array(0) : await readBounded(options.input)
  return { kind: 'process', request: { ...parseStart(operationStart(id, options)), input } }
}

function refuseUnused(abi: OnCallAbi, name: string, options: TestOptions, given: GivenOptions): void {
  given.refuseOthers(abi, name)
  if (abi === 'midimon-action-1' && given.has(abi) && options.action === undefined) {
    throw new RigError('REQUEST_INVALID', `${name} is not called, and what it is called with has no use; add --action`)
  }
}

/** Loads a plugin that runs when somebody asks, as a rig would, and calls it for what the options say. */
export async function testCalled(
  { manifest, verified, bytes }: Subject,
  options: TestOptions,
  given: GivenOptions,
): Promise<void> {
  const spec = parseOnCallRequest(
    onCallRequest(manifest, verified, manifest.onCall?.stateful === true, grantedInTrial(manifest)),
  )
  const wish = await wishOf(manifest.id, options, given)
  const tried = await tryConfined({ kind: 'called', spec, bytes, wish })
  refuseUnused(tried.abi, spec.name, options, given)

  const { call } = tried.trial
  const file = call?.code === 0 ? options.output : undefined
  if (file !== undefined) await writeOutput(file, call!.output)
  const called = { ...tried, spec, wish, warnings: manifest.warnings, ungranted: ungrantedInTrial(manifest), file }
  const report = { ...called, findings: calledFindings(called) }
  process.stdout.write(options.json ? calledToJson(report) : calledToText(report))
  if (report.findings.some(({ note }) => !note)) process.exitCode = 1
}
