import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { endCommand } from '../cli/ending.ts'
import { TelemetryServiceClient } from '../gen/proto/openracing/v1/telemetry.ts'
import { connect } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { lapSimulator } from '../telemetry/lap-simulator.ts'
import { publishRecording } from '../telemetry/publish.ts'
import type { Recording } from '../telemetry/record.ts'
import { openRecording } from '../telemetry/recording.ts'
import { complaintOf, isSettled } from './complaint.ts'
import { removeLeftHomes } from './left-homes.ts'
import { type Output, openOutput } from './output.ts'
import { type Observer, observe, type Reading } from './reading.ts'
import { startDemoRig } from './rig.ts'
import { type Summary, summarise } from './summary.ts'
import { tell } from './tell.ts'

interface DemoOptions {
  readonly seconds?: number
  readonly json?: boolean
  readonly recording?: string
}

/** How long the rig may take until every plugin has run once and torque flows, ms: 1 s, and on a busy machine above 10 s. */
const settleDeadlineMs = 30_000
const settleEveryMs = 100
/** Rates are of the last second. */
const rateOverMs = 1000

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (seconds >= 1 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('it must be a number of seconds from 1 to 86400.')
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })

/** The last line of the file that the loop and the processes of Fast plugins write to. */
function loopSaid({ stateDir }: Home): string {
  const file = join(stateDir, 'data-plane.log')
  return existsSync(file) ? (readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '') : ''
}

function refuseIdle(home: Home, reading: Reading, since?: Reading): void {
  const complaint = complaintOf(reading, loopSaid(home), since)
  if (complaint !== undefined) throw new RigError('SERVICE_UNAVAILABLE', complaint)
}

/** Waits until the first frames have gone all the way through; resolves without them at the deadline. */
async function settled(observer: Observer, signal: AbortSignal): Promise<Reading> {
  const deadline = performance.now() + settleDeadlineMs
  for (;;) {
    const reading = await observer.read()
    if (isSettled(reading) || signal.aborted || performance.now() > deadline) return reading
    await pause(settleEveryMs, signal)
  }
}

/** Shows the rig until `endMs` or `signal`; resolves with the last reading, which is `first` when there was no time. */
async function show(
  observer: Observer,
  output: Output,
  first: Reading,
  endMs: number,
  signal: AbortSignal,
): Promise<Reading> {
  const history = [first]
  let now = first
  while (!signal.aborted && performance.now() < endMs) {
    await pause(Math.min(output.everyMs, endMs - performance.now()), signal)
    now = await observer.read()
    history.push(now)
    while (history.length > 2 && now.atMs - (history[1] as Reading).atMs >= rateOverMs) history.shift()
    output.show(history[0] as Reading, now)
  }
  return now
}

async function measure(recording: Recording, options: DemoOptions, signal: AbortSignal): Promise<Summary> {
  removeLeftHomes()
  const rig = await startDemoRig(undefined, signal)
  const ended = new AbortController()
  const address = `unix:${rig.home.socket('host')}`
  const telemetry = connect(TelemetryServiceClient, address)
  const observer = observe(address)
  try {
    const publishing = publishRecording(telemetry, recording, { speed: 1, loop: true, signal: ended.signal })
    publishing.catch(() => undefined) // a rig that goes away is told by the next reading
    const first = await settled(observer, signal)
    signal.throwIfAborted()
    refuseIdle(rig.home, first)
    observer.takeMaxLit()
    const endMs = options.seconds === undefined ? Number.POSITIVE_INFINITY : first.atMs + options.seconds * 1000
    const title = `OpenRacing · ${recording.game} · ${/(?:ready|up) in \d+ ms/.exec(rig.readyLine)?.[0] ?? ''}`
    const output = openOutput(title, options.json === true, process.env)
    const last = await show(observer, output, first, endMs, signal).finally(output.close)
    if (last === first) signal.throwIfAborted()
    refuseIdle(rig.home, last, first)
    const summary = summarise(first, last, observer.takeMaxLit())
    ended.abort()
    await publishing
    return summary
  } finally {
    ended.abort()
    observer.close()
    telemetry.close()
    await rig.close()
  }
}

/**
 * Aborts when the demo is to end. Ctrl-C reaches us from the terminal and once more from npm, people press it again,
 * and a terminal that is closed takes standard output with it: none of this cuts the close short.
 */
function interruption(): AbortSignal {
  const interrupted = new AbortController()
  const end = (): void => interrupted.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  process.stdout.on('error', end)
  return interrupted.signal
}

async function main(signal: AbortSignal): Promise<void> {
  const program = new Command('demo')
    .description('Runs a whole rig for a while and says what each part of it cost.')
    .option('--seconds <n>', 'end after this long; without it, at Ctrl-C', parseSeconds)
    .option('--json', 'print one JSON object at the end and nothing else')
    .option(
      '--recording <file>',
      'drive this recording (Forza, Gran Turismo 7, iRacing .ibt) instead of the built-in lap',
    )
    .exitOverride()
    .parse()
  const options = program.opts<DemoOptions>()
  if (options.json && options.seconds === undefined) {
    throw new RigError('REQUEST_INVALID', '--json needs --seconds N: there is no screen on which to end it')
  }
  const recording = options.recording === undefined ? lapSimulator() : await openRecording(options.recording)
  const summary = await measure(recording, options, signal)
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : `${tell(summary).join('\n')}\n`)
}

const signal = interruption()
main(signal).then(
  () => process.exit(0),
  (cause: unknown) => {
    if (cause !== signal.reason) endCommand('demo', cause)
    process.stderr.write('demo: interrupted before anything was measured\n')
    process.exit(1)
  },
)
