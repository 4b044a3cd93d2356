import { cpus, release } from 'node:os'
import { Command } from 'commander'
import { whole } from '../input/whole.ts'
import { exitCodeFor } from '../rpc/failure.ts'
import { type Contestant, takeTurns } from './contestant.ts'

interface BenchOptions {
  readonly json?: boolean
  readonly rounds: number
  readonly roundMs: number
}

export interface Benchmark<Report> {
  readonly contestants: readonly Contestant[]
  report(): Report
}

export interface Program<Report> {
  readonly name: string
  readonly description: string
  /** How long a round may and usually does measure, ms. */
  readonly roundMs: { readonly least: number; readonly usual: number }
  create(): Benchmark<Report>
  tell(report: Report): string
  /** Of the JSON, beside what the command line says. */
  readonly settings?: object
}

const machine = () => ({ cpu: cpus()[0]?.model ?? '', cores: cpus().length, kernel: release(), node: process.version })

async function run<Report extends object>(program: Program<Report>): Promise<void> {
  const { least, usual } = program.roundMs
  const options = new Command(program.name)
    .description(program.description)
    .option('--json', 'print one JSON object with every figure; the table goes to stderr')
    .option('--rounds <n>', 'rounds of each contestant, in turn', whole(1, 1000), 10)
    .option('--round-ms <ms>', 'how long a round measures', whole(least, 10_000), usual)
    .parse()
    .opts<BenchOptions>()
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

  const benchmark = program.create()
  await takeTurns(benchmark.contestants, {
    rounds: options.rounds,
    ms: options.roundMs,
    signal: interrupted.signal,
    began: (round, name) => process.stderr.write(`round ${round + 1} of ${options.rounds}: ${name}\n`),
  })
  const report = benchmark.report()
  const text = `\n${program.tell(report)}`
  if (!options.json) return void process.stdout.write(text)
  process.stderr.write(text)
  const settings = { rounds: options.rounds, round_ms: options.roundMs, ...program.settings }
  process.stdout.write(`${JSON.stringify({ machine: machine(), settings, ...report })}\n`)
}

/** The whole of a benchmark's program: its contestants in turn, the table, the JSON, the exit code. */
export function runBenchmark<Report extends object>(program: Program<Report>): void {
  run(program).then(
    () => process.exit(0),
    (cause: unknown) => {
      process.stderr.write(`${program.name}: ${cause instanceof Error ? cause.message : String(cause)}\n`)
      process.exit(exitCodeFor(cause))
    },
  )
}
