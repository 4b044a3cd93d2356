import { cpus, release } from 'node:os'
import { Command } from 'commander'
import { exitCodeFor } from '../rpc/failure.ts'
import { takeTurns } from './contestant.ts'
import { createBenchmark } from './report.ts'
import { tell } from './tell.ts'
import { whole } from './whole.ts'

interface BenchOptions {
  readonly json?: boolean
  readonly rounds: number
  readonly roundMs: number
}

const machine = () => ({ cpu: cpus()[0]?.model ?? '', cores: cpus().length, kernel: release(), node: process.version })

async function main(): Promise<void> {
  const options = new Command('bench')
    .description('Measures the 1 kHz data plane beside what else passes a slot between two processes.')
    .option('--json', 'print one JSON object with every figure; the table goes to stderr')
    .option('--rounds <n>', 'rounds of each contestant, in turn', whole(1, 1000), 10)
    // Not longer: a loop that nobody publishes a control for ends after 30 s.
    .option('--round-ms <ms>', 'how long a round measures', whole(10, 10_000), 1000)
    .parse()
    .opts<BenchOptions>()
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

  // The processes of the data plane do not keep the one that started them alive.
  setInterval(() => undefined, 2 ** 31 - 1)
  const benchmark = createBenchmark()
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
  const settings = { rounds: options.rounds, round_ms: options.roundMs }
  process.stdout.write(`${JSON.stringify({ machine: machine(), settings, ...report })}\n`)
}

main().then(
  () => process.exit(0),
  (cause: unknown) => {
    process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    process.exit(exitCodeFor(cause))
  },
)
