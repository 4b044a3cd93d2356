import type { Command } from 'commander'
import { type LoopInterval, RigServiceClient, type WatchLoopResponse } from '../gen/proto/openracing/v1/rig.ts'
import type { Distribution } from '../gen/proto/openracing/v1/statistics.ts'
import { whole } from '../input/whole.ts'
import { toFailure } from '../rpc/client.ts'
import { withClient } from './endpoint.ts'
import { json } from './table.ts'

const intervalMinMs = 10
const intervalMaxMs = 10_000

/** The interval of a watch, ms. */
export const parseInterval = whole(intervalMinMs, intervalMaxMs)

function describe({ p50, p99, p999, max }: Distribution = { p50: 0, p99: 0, p999: 0, max: 0 }): string {
  return `p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} p99.9 ${p999.toFixed(1)} max ${max.toFixed(1)} µs`
}

/** One interval: a line for the loop, and one for each plugin. */
export function describeInterval(interval: LoopInterval): string {
  const state = interval.estopped ? 'STOPPED' : interval.running ? 'running' : 'not running'
  const loop = [
    `${(Number(interval.elapsedUs) / 1e6).toFixed(3)} s ${state}`,
    `${interval.ticks} ticks, ${interval.missedTicks} missed`,
    `late ${describe(interval.lateness)}`,
    `busy ${describe(interval.duration)}`,
    `torque in ${interval.inRmsNm.toFixed(3)} out ${interval.outRmsNm.toFixed(3)} N·m rms`,
    `clamped ${interval.clamped}, slew ${interval.slewLimited}, not finite ${interval.nonFinite}, stale ${interval.staleInputs}, refused ${interval.refusedInputs}`,
  ].join('; ')
  const plugins = interval.plugins.map(
    (plugin) =>
      `  ${plugin.name || '?'}: ${plugin.executions} calls, ${plugin.missedDeadlines} missed, ${plugin.leftOut} left out, ${plugin.budgetViolations} over budget; ` +
      `round trip ${describe(plugin.roundTrip)}; cpu ${describe(plugin.cpu)}`,
  )
  return `${[loop, ...plugins].join('\n')}\n`
}

interface WatchOptions {
  readonly json?: boolean
  readonly interval: number
}

/** Prints what the loop did, interval by interval, until Ctrl-C. */
export const watchRig = (options: WatchOptions, command: Command): Promise<void> =>
  withClient(command, RigServiceClient, async (client) => {
    const stream = client.watchLoop({ intervalMs: options.interval })
    let interrupted = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        interrupted = true
        stream.cancel()
      })
    try {
      for await (const { interval } of stream as AsyncIterable<WatchLoopResponse>) {
        if (interval !== undefined) process.stdout.write(options.json ? json(interval) : describeInterval(interval))
      }
    } catch (cause) {
      if (!interrupted) throw toFailure(cause as Error)
    }
  })
