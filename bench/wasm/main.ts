import { cpus, release } from 'node:os'
import { Command } from 'commander'
import { exitCodeFor } from '../../rpc/failure.ts'
import { takeTurns } from '../contestant.ts'
import { whole } from '../whole.ts'
import { createWasmBenchmark } from './report.ts'
import { tell } from './tell.ts'

interface BenchOptions {
  readonly json?: boolean
  readonly rounds: number
  readonly roundMs: number
}

const machine = () => ({ cpu: cpus()[0]?.model ?? '', cores: cpus().length, kernel: release(), node: process.version })

async function main(): Promise<void> {
  const options = new Command('bench:wasm')
    .description('Measures what running WebAssembly plugins costs.')
    .option('--json', 'print one JSON object with every figure; the table goes to stderr')
    .option('--rounds <n>', 'rounds of each contestant, in turn', whole(1, 1000), 10)
    .option('--round-ms <ms>', 'how long a round measures', whole(1, 10_000), 500)
    .parse()
    .opts<BenchOptions>()
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

  const benchmark = createWasmBenchmark()
  await takeTurns(benchmark.contestants, {
    rounds: options.rounds,
    ms: options.roundMs,
    signal: interrupted.signal,
    began: (round, name) => process.stderr.write(`round ${round + 1} of ${options.rounds}: ${name}\n`),
  })
  const report = benchmark.report()
  const text = `\n${tell(report)}`
  if (!options.json) return void process.stdout.write(text)
  process.stderr.write(text)
  const settings = { rounds: options.rounds, round_ms: options.roundMs, v8_flags: process.execArgv }
  process.stdout.write(`${JSON.stringify({ machine: machine(), settings, ...report })}\n`)
}

main().then(
  () => process.exit(0),
  (cause: unknown) => {
    process.stderr.write(`bench:wasm: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    process.exit(exitCodeFor(cause))
  },
)
