import { setTimeout as delay } from 'node:timers/promises'
import { type Sample, unitsPerUs } from './calibration.ts'
import { meterModule } from './meter.ts'

/** What a machine is measured by. yardstick.test.ts has it as text. */
export const yardstickModule = new Uint8Array(
  Buffer.from(
    'AGFzbQEAAAABBgFgAX8BfwMCAQAFBAEBAQEHBwEDcnVuAAAKVAFSAQF/QQEhAQNAIAEgAUENdHMhASABIAFBEXZzIQEgAUF/IAFBAXJucyEBIAFB/P8DcSABNgIAIAFB/P8DcSgCAEEBaiEBIABBAWsiAA0ACyABCw==',
    'base64',
  ),
)

/** Iterations of one run: 0.2 ms once V8 has optimised them, 1 ms before. */
const iterations = 60_000
/** Runs of which the median counts, and in which V8 must not have become faster. */
const runs = 15
/** More than this is not waited for: what V8 has not optimised by then is measured as it is, and ticks correct it. */
const runsMax = 200
/** Between two runs, ms: V8 optimises on a thread that needs a core, too. */
const pauseMs = 1

/**
 * Measures this thread: units of fuel a µs of its CPU time. V8 begins with code that it made fast, and replaces it by
 * fast code; so runs are made until none of the last ones was a tenth faster than the best before.
 */
export async function measureMachine(cpuNs: () => bigint): Promise<number> {
  const { bytes, fuelExport } = meterModule(yardstickModule, { maxMemoryPages: 1, maxTableElements: 0 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {})
  const fuel = exports[fuelExport] as WebAssembly.Global
  const run = exports.run as (iterations: number) => number
  const plenty = 2 ** 40

  const once = (): Sample => {
    fuel.value = BigInt(plenty)
    const before = cpuNs()
    run(iterations)
    return { units: plenty - Number(fuel.value), cpuNs: Number(cpuNs() - before) }
  }

  const samples: Sample[] = []
  let best = 0
  let since = 0
  while (since < runs && samples.length < runsMax) {
    const sample = once()
    samples.push(sample)
    since++
    const speed = sample.units / sample.cpuNs
    if (speed > best * 1.1) since = 0
    best = Math.max(best, speed)
    await delay(pauseMs)
  }
  return unitsPerUs(samples.slice(-runs))
}
