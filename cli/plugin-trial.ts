import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { RigError } from '../rpc/failure.ts'
import { confinedCommand, trialConfinement, usefulEnvironment } from '../services/host/confinement.ts'
import {
  decodeAnswer,
  encode,
  type TrialAnswer,
  type TrialRequest,
  type Tried,
} from '../services/wasm-runner/trial-messages.ts'

// The built package has .js files, the checkout .ts.
const program = fileURLToPath(
  new URL(`../services/wasm-runner/trial-process${extname(import.meta.url)}`, import.meta.url),
)

function triedIn<Request extends TrialRequest>(answer: TrialAnswer<Request>): Tried<Request> {
  if (answer.kind === 'tried') return answer
  throw new RigError(answer.code, answer.detail)
}

/**
 * Tries a plugin in a process of its own, confined as the wasm-runner is, which has nothing to write at all. Throws what a
 * rig would refuse it for, and PLUGIN_FAILED when the process ends before it answers: then the plugin, or we, have broken
 * the engine.
 */
export async function tryConfined<Request extends TrialRequest>(request: Request): Promise<Tried<Request>> {
  const [command, args] = confinedCommand(trialConfinement(process.env), [program], process.env)
  const child = spawn(command, [...args], { env: usefulEnvironment(process.env), stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  child.stdin.on('error', () => {}) // it ended before it read all: how it ended is told below
  child.stdin.end(encode(request))
  const [answer, [code, signal]] = await Promise.all([buffer(child.stdout), exited])
  if (code === 0) return triedIn(decodeAnswer<Request>(answer))
  const how = signal === null ? `exit code ${code}` : signal
  const what = `the process in which ${request.spec.name} was tried ended with ${how} before it answered`
  throw new RigError('PLUGIN_FAILED', `${what}; tell its author, and us`)
}
