import { Command, InvalidArgumentError } from 'commander'
import { TelemetryServiceClient } from '../gen/proto/openracing/v1/telemetry.ts'
import { publishRecording } from '../telemetry/publish.ts'
import { openRecording } from '../telemetry/recording.ts'
import { withClient } from './endpoint.ts'

interface ReplayOptions {
  readonly speed: number
  readonly loop?: boolean
}

const speedMin = 0.05
const speedMax = 100

function parseSpeed(text: string): number {
  const speed = Number(text)
  if (speed >= speedMin && speed <= speedMax) return speed
  throw new InvalidArgumentError(`it must be a number from ${speedMin} to ${speedMax}.`)
}

async function replay(file: string, options: ReplayOptions, command: Command): Promise<void> {
  const recording = await openRecording(file)
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  process.stderr.write(`${file}: ${recording.game}, ${recording.frameRateHz} frames a second\n`)
  const { acceptedFrames, refusedRequests } = await withClient(command, TelemetryServiceClient, (client) =>
    publishRecording(client, recording, {
      speed: options.speed,
      loop: options.loop === true,
      signal: interrupted.signal,
    }),
  )
  process.stderr.write(`${acceptedFrames} frames published, ${refusedRequests} refused\n`)
}

/** `wheelctl telemetry …` */
export const telemetryCommand = (): Command =>
  new Command('telemetry')
    .description('the telemetry of the game')
    .addCommand(
      new Command('replay')
        .description('publish a recording (Forza, Gran Turismo 7, iRacing .ibt; gzip or not) at its own pace')
        .argument('<file>', 'the recording; its kind is recognised from its content')
        .option('--speed <n>', 'seconds of the recording in one second', parseSpeed, 1)
        .option('--loop', 'begin again at the end, until Ctrl-C')
        .action(replay),
    )
