import { Command } from 'commander'
import { type GetRigResponse, type Rig, RigServiceClient } from '../gen/proto/openracing/v1/rig.ts'
import { call, within } from '../rpc/client.ts'
import { distributionOf, emptyHistogram } from './distribution.ts'
import { answerMs, withClient } from './endpoint.ts'
import { json, table } from './table.ts'

function describe({ loop, torque, wheel, telemetry }: Rig): readonly (readonly string[])[] {
  const late = distributionOf(loop?.lateness ?? emptyHistogram)
  const us = (value: number): string => `${value.toFixed(1)} µs`
  return [
    ['loop', loop?.running ? `running, pid ${loop.pid}` : 'not running'],
    ['ticks', `${loop?.ticks ?? 0n}, ${loop?.missedTicks ?? 0n} missed`],
    ['lateness', `p50 ${us(late.p50)}, p99 ${us(late.p99)}, p99.9 ${us(late.p999)}, max ${us(late.max)}`],
    [
      'real time',
      `${loop?.realtime ? 'SCHED_FIFO' : 'no SCHED_FIFO'}, ${loop?.memoryLocked ? 'memory locked' : 'memory not locked'}`,
    ],
    [
      'torque',
      `in ${(torque?.inNm ?? 0).toFixed(3)} N·m, out ${(torque?.outNm ?? 0).toFixed(3)} N·m, at most ${(torque?.maxAbsNm ?? 0).toFixed(3)} N·m`,
    ],
    ['wheel', `${(wheel?.angle ?? 0).toFixed(3)} rad, ${(wheel?.speed ?? 0).toFixed(3)} rad/s`],
    ['telemetry', `${telemetry?.frames ?? 0n} frames, ${telemetry?.droppedPackets ?? 0n} packets dropped`],
  ]
}

async function status(options: { readonly json?: boolean }, command: Command): Promise<void> {
  const { rig } = await withClient(command, RigServiceClient, (client) =>
    call<GetRigResponse>((done) => client.getRig({}, ...within(answerMs), done)),
  )
  process.stdout.write(options.json ? json(rig) : table(describe(rig as Rig)))
}

/** `wheelctl rig …` */
export const rigCommand = (): Command =>
  new Command('rig')
    .description('the 1 kHz loop and the wheel')
    .addCommand(new Command('status').description('the rig now').option('--json', 'for programs').action(status))
