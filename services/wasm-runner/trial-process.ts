// Tries one plugin: a request on stdin, an answer on stdout. Whoever starts it confines it.

import { buffer } from 'node:stream/consumers'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { asOnCall, asTicking } from './abi-use.ts'
import { tryCalls } from './call-trial.ts'
import type { PluginCode } from './compile.ts'
import { startCompiler } from './compiler.ts'
import { readConfinement } from './confinement.ts'
import { noGuard, openGuard } from './guard.ts'
import { standardCallFuel } from './on-call-spec.ts'
import { type Trial, tryPlugin } from './trial.ts'
import { decodeRequest, encode, type TickingRequest, type TrialAnswer, type TrialRequest } from './trial-messages.ts'
import { measureMachine } from './yardstick.ts'

function* framesIn(frames: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < frames.length; at += telemetryFrameBytes) yield frames.subarray(at, at + telemetryFrameBytes)
}

async function tryTicks(code: PluginCode, { spec, frames, ledCount }: TickingRequest): Promise<Trial> {
  const unitsPerUs = await measureMachine(threadCpuNanoseconds)
  const cpuNs = (): number => Number(threadCpuNanoseconds())
  return tryPlugin(code, spec, framesIn(frames), { unitsPerUs, ledCount, cpuNs, guard: openGuard() ?? noGuard })
}

async function tryAny(code: PluginCode, request: TrialRequest) {
  if (request.kind === 'ticking') {
    const abi = asTicking(code.abi, request.spec.operations)
    return { abi, trial: await tryTicks(code, request) }
  }
  const { spec, wish } = request
  const abi = asOnCall(code.abi)
  return { abi, trial: await tryCalls({ code, abi, spec, wish, fuel: standardCallFuel }) }
}

async function answerTo(request: TrialRequest): Promise<TrialAnswer<TrialRequest>> {
  const compiler = startCompiler()
  try {
    const began = performance.now()
    // A copy: the compiler gives its bytes away, and what was read from one message has one buffer.
    const code = await compiler.compile(new Uint8Array(request.bytes), request.spec)
    const compileMs = performance.now() - began
    const tried = await tryAny(code, request)
    return { kind: 'tried', ...tried, compileMs, confinement: readConfinement(process.env) }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    return { kind: 'refused', code: cause.code, detail: cause.detail }
  } finally {
    await compiler.close()
  }
}

process.stdout.end(encode(await answerTo(decodeRequest(await buffer(process.stdin)))))
