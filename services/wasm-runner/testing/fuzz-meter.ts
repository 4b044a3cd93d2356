import { Command } from 'commander'
import { whole } from '../../../input/whole.ts'
import { threadCpuNanoseconds } from '../../../shm/clock.ts'
import { meterModule } from '../meter.ts'
import { fuzzInput, fuzzPool } from './fuzz-pool.ts'
import { checkMeter, limits } from './meter-check.ts'

interface FuzzOptions {
  readonly seed: number
  readonly from: number
  readonly inputs: number
  readonly seconds: number
  readonly modules: number
}

/** CPU time that metering may take. It is measured again before it counts: the engine collects its garbage when it likes. */
const slowMs = (bytes: number): number => 100 + bytes / 200
const measuredAgain = 5

const count = whole(0, Number.MAX_SAFE_INTEGER)

const cpuMs = (): number => Number(threadCpuNanoseconds()) / 1e6

/** Metering ends soon, whatever the bytes are; what the module then does is bounded by its fuel. */
function checkTime(bytes: Uint8Array): void {
  let fastest = Number.POSITIVE_INFINITY
  for (let attempt = 0; fastest > slowMs(bytes.length); attempt++) {
    if (attempt > measuredAgain) throw new Error(`${bytes.length} bytes took ${fastest.toFixed(0)} ms`)
    const began = cpuMs()
    try {
      meterModule(bytes, limits)
    } catch {
      // What it throws is checked with everything else.
    }
    fastest = Math.min(fastest, cpuMs() - began)
  }
}

function main(): number {
  const options = new Command('fuzz:meter')
    .description('Meters changed modules, and compares what they do and cost with plain counting.')
    .option('--seed <n>', 'another seed, other inputs', count, 1)
    .option('--from <n>', 'number of the first input', count, 0)
    .option('--inputs <n>', 'how many', count, Number.POSITIVE_INFINITY)
    .option('--seconds <n>', 'for how long', count, 60)
    .option('--modules <n>', 'invented modules in the pool', count, 30)
    .parse()
    .opts<FuzzOptions>()
  const { seed, from, modules } = options
  const inputs = options.inputs
  const pool = fuzzPool(modules)
  const verdicts = { refused: 0, metered: 0, ran: 0 }
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  const tell = (done: number): void => {
    const { rss } = process.memoryUsage()
    const rate = `${Math.round(done / seconds())} inputs/s, ${Math.round(rss / 2 ** 20)} MiB`
    process.stdout.write(`seed ${seed}: ${done} inputs, ${rate}, ${JSON.stringify(verdicts)}\n`)
  }
  let input = from
  for (; input < from + inputs && (Number.isFinite(inputs) || seconds() < options.seconds); input++) {
    try {
      const bytes = fuzzInput(pool, seed, input)
      checkTime(bytes)
      verdicts[checkMeter(bytes)] += 1
    } catch (cause) {
      const again = `npm run fuzz:meter -- --seed ${seed} --modules ${modules} --from ${input} --inputs 1`
      process.stdout.write(`input ${input}: ${(cause as Error).stack}\n${again}\n`)
      return 1
    }
    if ((input - from + 1) % 50_000 === 0) tell(input - from + 1)
  }
  tell(input - from)
  return 0
}

process.exitCode = main()
