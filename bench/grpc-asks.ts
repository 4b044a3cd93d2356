// grpc-asks.ts MILLISECONDS SOCKET: passes a slot to grpc-answers.ts and back a thousand times a second, and prints what
// was measured as the pairs of bench/native do.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import { frameSlotBytes } from '../gen/layout.ts'
import { createHistogram } from '../shm/histogram.ts'
import { cpuNsOf } from './cpu-time.ts'
import { echo } from './echo-service.ts'
import { builtProgram, saidReady } from './program.ts'
import type { PairOutput } from './round-trip.ts'

/** The priorities of native/realtime.h: the loop's asks, a plugin's answers. */
const asksPriority = 80
const answersPriority = 70
/** Node compiles what is called often: these are not measured. */
const warmUpTicks = 300

/** CPU time without a sleep after which the kernel ends one of the two, µs: threads of Node can wait for each other for good. */
const cpuMaxUs = 200_000

/**
 * Gives a process and all its threads SCHED_FIFO. False where that is not allowed. No core: pinned to the loop's, the
 * main thread of Node spins for a thread that it keeps from running.
 */
function becomeRealtime(pid: number, priority: number): boolean {
  const bound = spawnSync('prlimit', ['--pid', `${pid}`, `--rttime=${cpuMaxUs}:${cpuMaxUs}`])
  return bound.status === 0 && spawnSync('chrt', ['-a', '-f', '-p', `${priority}`, `${pid}`]).status === 0
}

const [milliseconds, socket] = process.argv.slice(2)
const ms = Number(milliseconds)
if (!(ms > 0) || socket === undefined) throw new Error('usage: grpc-asks.ts MILLISECONDS SOCKET')

const answers = spawn(process.execPath, [fileURLToPath(new URL('grpc-answers.ts', import.meta.url)), socket], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
await saidReady(answers)
const realtime = becomeRealtime(answers.pid as number, answersPriority) && becomeRealtime(process.pid, asksPriority)
const client = new Client(`unix:${socket}`, credentials.createInsecure())
const stream = client.makeBidiStreamRequest(echo.path, echo.requestSerialize, echo.responseDeserialize)
const pacer = spawn(builtProgram('pacer'), [], { stdio: ['ignore', 'pipe', 'inherit'] })

const cpuNs = (): number => cpuNsOf(process.pid) + cpuNsOf(answers.pid as number)
const slot = Buffer.alloc(frameSlotBytes)
const histogram = createHistogram()
const begin = { cpuNs: 0, wallNs: 0n }
let ticks = 0
let missed = 0
let sentNs = 0n

function tick(): void {
  ticks += 1
  if (ticks === warmUpTicks) Object.assign(begin, { cpuNs: cpuNs(), wallNs: process.hrtime.bigint() })
  if (ticks > warmUpTicks + ms) finish()
  if (sentNs !== 0n) {
    if (ticks > warmUpTicks) missed += 1
    return
  }
  sentNs = process.hrtime.bigint()
  stream.write(slot)
}

stream.on('data', () => {
  const ns = Number(process.hrtime.bigint() - sentNs)
  if (ticks > warmUpTicks) histogram.record(ns)
  sentNs = 0n
})

function finish(): never {
  const { buckets, maxNs } = histogram.snapshot()
  const output: PairOutput = {
    realtime,
    wall_ns: Number(process.hrtime.bigint() - begin.wallNs),
    cpu_ns: cpuNs() - begin.cpuNs,
    missed,
    round_trip: {
      max_ns: Number(maxNs),
      buckets: buckets.map(({ upperBoundNs, count }) => [Number(upperBoundNs), Number(count)]),
    },
  }
  process.stdout.write(`${JSON.stringify(output)}\n`)
  pacer.kill()
  process.exit(0) // the answering process ends with its stdin
}

pacer.stdout.on('data', (bytes: Buffer) => {
  for (let index = 0; index < bytes.length; index++) tick()
})
