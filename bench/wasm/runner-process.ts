// A real runner in a process of its own, that is told what to run and says how its ticks were.

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import { startRunner } from '../../services/wasm-runner/runner.ts'
import { specOf } from '../../services/wasm-runner/testing/specs.ts'
import { openTelemetrySlot } from '../../shm/slots.ts'
import { answerEach } from './child.ts'
import { idleGuest, loopingGuest } from './guests.ts'
import { rateHz } from './rate.ts'
import { createTickCounter, type TickCounter } from './tick-count.ts'

export type RunnerQuestion =
  /** Answered when the runner, and the thread that is kept warm beside it, have started. */
  | { readonly kind: 'start' }
  | { readonly kind: 'load'; readonly plugins: number; readonly force: boolean; readonly budgetUs: number }
  /** Counts ticks for so long, ms. */
  | { readonly kind: 'measure'; readonly ms: number }
  /** Loads a guest that loops, waits until it is reported, and unloads it. */
  | { readonly kind: 'loop'; readonly budgetUs: number }

const shmDir = mkdtempSync('/dev/shm/openracing-wasm-bench-')
process.on('exit', () => rmSync(shmDir, { recursive: true }))

function saveModule(name: string, bytes: Uint8Array) {
  const path = join(shmDir, name)
  writeFileSync(path, bytes)
  return { path, sha256: createHash('sha256').update(bytes).digest('hex') }
}

const idle = saveModule('idle.wasm', idleGuest)
const looping = saveModule('looping.wasm', loopingGuest)

/** Whoever waits for a line of the log. */
const waiting = new Set<(line: string) => void>()
const lines = {
  write(line: string) {
    for (const look of waiting) look(line)
  },
}

/** When the line was written, ms. */
function lineWith(text: string): Promise<number> {
  const found = Promise.withResolvers<number>()
  const look = (line: string): void => {
    if (!line.includes(text)) return
    waiting.delete(look)
    found.resolve(performance.now())
  }
  waiting.add(look)
  return found.promise
}

const log = pino({ level: 'debug' }, lines)
let counter: TickCounter | undefined
const warm = lineWith('an executor is warm').then(() => lineWith('an executor is warm'))
const runner = startRunner({
  ...{ shmDir, ledCount: 15, log, guestLog: log },
  onTick: ({ lateNs, missed }) => counter?.tick(lateNs, missed),
})

async function start(): Promise<object> {
  await runner
  openTelemetrySlot({ shmDir }).publish(new Uint8Array(telemetryFrameBytes))
  await warm
  return {}
}

async function load({ plugins, force, budgetUs }: RunnerQuestion & { kind: 'load' }): Promise<object> {
  const capabilities = force ? (['ReadTelemetry', 'ModifyTelemetry'] as const) : (['ReadTelemetry'] as const)
  for (let order = 0; order < plugins; order++) {
    await (await runner).load(specOf({ ...idle, capabilities, rateHz, budgetUs, order }))
  }
  return {}
}

async function measure({ ms }: RunnerQuestion & { kind: 'measure' }): Promise<object> {
  ;(await runner).list() // takes over the ticks before
  counter = createTickCounter(rateHz)
  await delay(ms)
  ;(await runner).list()
  const counts = counter.snapshot()
  counter = undefined
  return counts
}

async function loop({ budgetUs }: RunnerQuestion & { kind: 'loop' }): Promise<object> {
  const spec = specOf({ ...looping, capabilities: ['ReadTelemetry'], rateHz, budgetUs, order: -1 })
  ;(await runner).list()
  counter = createTickCounter(rateHz)
  const called = lineWith('"msg":"looping"')
  const reported = lineWith('it is started again')
  await (await runner).load(spec)
  const tookMs = (await reported) - (await called)
  await (await runner).unload(spec.id)
  await delay(1500 / rateHz) // what its neighbours were late by is known with their next tick
  ;(await runner).list()
  const counts = counter.snapshot()
  counter = undefined
  return { tookMs, ...counts }
}

answerEach(async (asked) => {
  const question = asked as RunnerQuestion
  switch (question.kind) {
    case 'start':
      return start()
    case 'load':
      return load(question)
    case 'measure':
      return measure(question)
    case 'loop':
      return loop(question)
  }
})
