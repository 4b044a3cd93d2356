// Plugins of Extism in a process of their own, called at the rate of ours.

import { setTimeout as delay } from 'node:timers/promises'
import { createPlugin, type Plugin } from '@extism/extism'
import { telemetryFrameBytes } from '../../gen/layout.ts'
import { answerEach } from './child.ts'
import { idleGuest, silentLoopingGuest } from './guests.ts'
import { rateHz } from './rate.ts'
import { createTickCounter, type TickCounter } from './tick-count.ts'

export type ExtismQuestion =
  | { readonly kind: 'start' }
  | { readonly kind: 'load'; readonly plugins: number; readonly worker: boolean }
  /** Calls each plugin at its rate, and counts, for so long, ms. */
  | { readonly kind: 'measure'; readonly ms: number }
  /** Calls one plugin again and again for so long, ms. */
  | { readonly kind: 'call'; readonly ms: number }
  /** Calls a guest that loops, beside the others, which are called at their rate. */
  | { readonly kind: 'loop'; readonly deadlineMs: number }

const frame = new Uint8Array(telemetryFrameBytes)
const periodMs = 1000 / rateHz
const plugins: Plugin[] = []

async function load({ plugins: count, worker }: ExtismQuestion & { kind: 'load' }): Promise<object> {
  const module = await WebAssembly.compile(idleGuest)
  // A thread of Extism's is given the bytes' code, too; one module is compiled for all of them.
  for (let made = 0; made < count; made++) plugins.push(await createPlugin(module, { runInWorker: worker }))
  return {}
}

/** Calls a plugin at its rate. A call that is not over when the next is due makes that one missed. */
async function keepCalling(plugin: Plugin, beganMs: number, counter: TickCounter, ended: AbortSignal): Promise<void> {
  let tick = 0
  for (;;) {
    const waitMs = beganMs + (tick + 1) * periodMs - performance.now()
    if (waitMs > 0) await delay(waitMs, undefined, { signal: ended }).catch(() => undefined)
    if (ended.aborted) return
    const newest = Math.max(tick + 1, Math.floor((performance.now() - beganMs) / periodMs))
    await plugin.call('process', frame)
    counter.tick(Math.max(0, performance.now() - beganMs - newest * periodMs) * 1e6, newest - tick - 1)
    tick = newest
  }
}

/** What becomes of the plugins' ticks while `act` goes on. */
async function beside<T>(act: () => Promise<T>) {
  const counter = createTickCounter(rateHz)
  const ended = new AbortController()
  const beganMs = performance.now()
  const calls = plugins.map((plugin) => keepCalling(plugin, beganMs, counter, ended.signal))
  const result = await act()
  ended.abort()
  await Promise.all(calls)
  return { result, counts: counter.snapshot() }
}

async function call({ ms }: ExtismQuestion & { kind: 'call' }): Promise<object> {
  const plugin = plugins[0] as Plugin
  let calls = 0
  const [began, cpuBegan] = [performance.now(), process.cpuUsage()]
  do {
    await plugin.call('process', frame)
    calls++
  } while (performance.now() - began < ms)
  const { user, system } = process.cpuUsage(cpuBegan)
  return { calls, wallMs: performance.now() - began, cpuMs: (user + system) / 1000 }
}

/** Far more than any deadline; then Extism has lost its plugin, as it does when its thread does not start in time. */
const lostMs = 10_000

async function loop({ deadlineMs }: ExtismQuestion & { kind: 'loop' }): Promise<object> {
  const module = await WebAssembly.compile(silentLoopingGuest)
  const looping = await createPlugin(module, { runInWorker: true, timeoutMs: deadlineMs })
  const { result, counts } = await beside(async () => {
    await delay(3 * periodMs)
    const began = performance.now()
    const ended = looping.call('process', frame).then(
      () => 'returned',
      () => 'reported',
    )
    const how = await Promise.race([ended, delay(lostMs, 'lost', { ref: false })])
    const tookMs = performance.now() - began
    await delay(3 * periodMs)
    if (how !== 'reported') throw new Error(`the looping plugin of Extism was ${how}`)
    return tookMs
  })
  await looping.close()
  return { tookMs: result, ...counts }
}

answerEach(async (asked) => {
  const question = asked as ExtismQuestion
  switch (question.kind) {
    case 'start':
      return {}
    case 'load':
      return load(question)
    case 'measure':
      return (await beside(() => delay(question.ms))).counts
    case 'call':
      return call(question)
    case 'loop':
      return loop(question)
  }
})
