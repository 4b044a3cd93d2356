import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { type GetPluginResponse, type Plugin, PluginServiceClient } from '../gen/proto/openracing/v1/plugin.ts'
import { whole } from '../input/whole.ts'
import { call, within } from '../rpc/client.ts'
import { pluginStateWord } from '../rpc/words.ts'
import { between, type Distribution, distributionOf } from './distribution.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json } from './table.ts'

/** A plugin at one time, monotonic, ms. */
interface Look {
  readonly plugin: Plugin
  readonly atMs: number
}

/** What a plugin did between two looks at it. */
export interface Interval {
  readonly plugin: string
  readonly state: string
  /** ms between the looks. */
  readonly elapsedMs: number
  readonly executions: number
  readonly callsPerSecond: number
  readonly failures: number
  readonly budgetViolations: number
  readonly missedDeadlines: number
  /** CPU time of a call, µs. */
  readonly cpuUs: Distribution
}

type Counter = 'executions' | 'failures' | 'budgetViolations' | 'missedDeadlines'

/** Counters that went back began anew. */
function grown(before: Plugin, now: Plugin, counter: Counter): number {
  const [earlier, later] = [before.statistics?.[counter] ?? 0n, now.statistics?.[counter] ?? 0n]
  return Number(later < earlier ? later : later - earlier)
}

export function intervalOf(before: Look, now: Look): Interval {
  const elapsedMs = now.atMs - before.atMs
  const count = (counter: Counter): number => grown(before.plugin, now.plugin, counter)
  const executions = count('executions')
  return {
    plugin: now.plugin.name || now.plugin.directory,
    state: pluginStateWord(now.plugin),
    elapsedMs: Math.round(elapsedMs),
    executions,
    callsPerSecond: Math.round((executions * 10_000) / Math.max(1, elapsedMs)) / 10,
    failures: count('failures'),
    budgetViolations: count('budgetViolations'),
    missedDeadlines: count('missedDeadlines'),
    cpuUs: distributionOf(between(before.plugin.statistics?.cpu, now.plugin.statistics?.cpu)),
  }
}

const columns: readonly (readonly [string, (interval: Interval) => string])[] = [
  ['STATE      ', ({ state }) => state],
  ['CALLS/S', ({ callsPerSecond }) => callsPerSecond.toFixed(1)],
  ['FAILED', ({ failures }) => `${failures}`],
  ['OVER BUDGET', ({ budgetViolations }) => `${budgetViolations}`],
  ['MISSED', ({ missedDeadlines }) => `${missedDeadlines}`],
  ['CPU P50 µs', ({ cpuUs }) => cpuUs.p50.toFixed(1)],
  ['CPU P99 µs', ({ cpuUs }) => cpuUs.p99.toFixed(1)],
  ['CPU MAX µs', ({ cpuUs }) => cpuUs.max.toFixed(1)],
]
const heading = columns.map(([name]) => name).join('  ')
const row = (interval: Interval): string =>
  columns
    .map(([name, of], at) => (at === 0 ? of(interval).padEnd(name.length) : of(interval).padStart(name.length)))
    .join('  ')

/** Rows below which the heading is printed again: those of the smallest terminal. */
const headingEvery = 20

interface MonitorOptions {
  readonly json?: boolean
  readonly interval: number
}

/** Looks at a plugin again and again, until Ctrl-C. */
async function* intervals(
  client: PluginServiceClient,
  id: string,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Interval, void, undefined> {
  const look = async (): Promise<Look> => {
    const { plugin } = await call<GetPluginResponse>((done) =>
      client.getPlugin({ plugin: id }, ...within(answerMs), done),
    )
    return { plugin: plugin as Plugin, atMs: performance.now() }
  }
  for (let before = await look(); ; ) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const now = await look()
    yield intervalOf(before, now)
    before = now
  }
}

const monitor = (id: string, options: MonitorOptions, command: Command): Promise<void> =>
  withClient(command, PluginServiceClient, async (client) => {
    const interrupted = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
    const forPrograms = options.json || !process.stdout.isTTY
    let rows = 0
    for await (const interval of intervals(client, id, options.interval, interrupted.signal)) {
      if (!forPrograms && rows++ % headingEvery === 0) process.stdout.write(`${heading}\n`)
      process.stdout.write(forPrograms ? json(interval) : `${row(interval)}\n`)
    }
  })

/** `wheelctl plugin monitor` */
export const monitorCommand = (): Command =>
  new Command('monitor')
    .description('what a plugin does, interval by interval, until Ctrl-C; JSON lines where it is piped')
    .argument('<plugin>', 'its id, or the name of its directory')
    .option('--interval <ms>', 'time between two looks', whole(100, 60_000), 1000)
    .option('--json', 'for programs')
    .action(monitor)
