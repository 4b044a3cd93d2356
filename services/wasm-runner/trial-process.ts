// Tries one plugin: a request on stdin, an answer on stdout. Whoever starts it confines it.

import { buffer } from 'node:stream/consumers'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { isTicking } from './abi.ts'
import { startCompiler } from './compiler.ts'
import { readConfinement } from './confinement.ts'
import { tryPlugin } from './trial.ts'
import { decodeRequest, encode, type TrialAnswer, type TrialRequest } from './trial-messages.ts'
import { measureMachine } from './yardstick.ts'

function* framesIn(frames: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < frames.length; at += telemetryFrameBytes) yield frames.subarray(at, at + telemetryFrameBytes)
}

async function answerTo({ spec, bytes, frames, ledCount }: TrialRequest): Promise<TrialAnswer> {
  const compiler = startCompiler()
  try {
    const began = performance.now()
    // A copy: the compiler gives its bytes away, and what was read from one message has one buffer.
    const code = await compiler.compile(new Uint8Array(bytes), spec)
    const compileMs = performance.now() - began
    if (!isTicking(code.abi)) return { kind: 'on call' }
    const unitsPerUs = await measureMachine(threadCpuNanoseconds)
    const cpuNs = (): number => Number(threadCpuNanoseconds())
    const trial = tryPlugin(code, spec, framesIn(frames), { unitsPerUs, ledCount, cpuNs })
    return { kind: 'tried', abi: code.abi, compileMs, trial, confinement: readConfinement(process.env) }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    return { kind: 'refused', code: cause.code, detail: cause.detail }
  } finally {
    await compiler.close()
  }
}

process.stdout.end(encode(await answerTo(decodeRequest(await buffer(process.stdin)))))
