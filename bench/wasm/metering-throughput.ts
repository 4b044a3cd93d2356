import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { meterValidModule } from '../../services/wasm-runner/meter.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { median } from './median.ts'
import { threadCpuMs } from './thread-cpu.ts'

export interface ThroughputFigures {
  readonly bytes: number
  readonly instructions: number
  /** How many times as many bytes the metered module has. */
  readonly growth: number
  /** 10⁶ bytes of the module; medians. */
  readonly mb_per_s: number
  /** With what V8 takes to validate it before. */
  readonly mb_per_s_validated: number
  /** The first time: the meter's own code is not compiled yet. */
  readonly first_mb_per_s: number
  readonly times: number
}

/** Real modules, of a compiler for C++ and of one for Rust, that come with what the project needs anyway. */
export const carriers = ['binaryen', 'typescript'] as const
export type Carrier = (typeof carriers)[number]

const limits = { maxMemoryPages: 65_536, maxTableElements: 10_000_000 }
const capture = fileURLToPath(new URL('capture.mjs', import.meta.url))
const moduleBytesMax = 64 << 20

async function moduleOf(carrier: Carrier): Promise<Uint8Array<ArrayBuffer>> {
  const options = { encoding: 'buffer', maxBuffer: moduleBytesMax } as const
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', capture, carrier], options)
  if (stdout.length === 0) throw new Error(`${carrier} carries no module that could be found`)
  return new Uint8Array(stdout)
}

export function meteringThroughput(carrier: Carrier): Contestant<ThroughputFigures> {
  let found: Promise<Uint8Array<ArrayBuffer>> | undefined
  let wasm: Uint8Array<ArrayBuffer>
  let metered: ReturnType<typeof meterValidModule>
  const [meterMs, validateMs]: [number[], number[]] = [[], []]
  const megabytesPerSecond = (ms: number): number => wasm.length / ms / 1000
  return createContestant(
    `metering_throughput.${carrier}`,
    async (ms) => {
      found ??= moduleOf(carrier)
      wasm = await found
      const until = performance.now() + ms
      do {
        const began = performance.now()
        if (!WebAssembly.validate(wasm)) throw new Error(`V8 does not take the module of ${carrier}`)
        validateMs.push(performance.now() - began)
        const cpuBegan = threadCpuMs()
        metered = meterValidModule(wasm, limits)
        meterMs.push(threadCpuMs() - cpuBegan)
      } while (performance.now() < until)
    },
    () => ({
      bytes: wasm.length,
      instructions: metered.instructions,
      growth: metered.bytes.length / wasm.length,
      mb_per_s: megabytesPerSecond(median(meterMs)),
      mb_per_s_validated: megabytesPerSecond(median(meterMs.map((ms, index) => ms + (validateMs[index] as number)))),
      first_mb_per_s: megabytesPerSecond(meterMs[0] as number),
      times: meterMs.length,
    }),
  )
}
