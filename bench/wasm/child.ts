import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cpuNsOf, longestWaitNsOf } from '../cpu-time.ts'

/** A process that is measured from outside. It is told one thing at a time, and answers each. */
export interface Measured extends AsyncDisposable {
  /** Rejects when the process ends before it answers. */
  ask<Answer>(question: object): Promise<Answer>
  /** Proportional set size now, KiB. */
  pssKib(): number
  /** CPU time so far, ns. */
  cpuNs(): number
  /** How long its thread that waited longest for a core did so, ns so far. */
  longestWaitNs(): number
}

/** Longest that an answer is waited for, ms: a thousand plugins are loaded one after the other. */
const answerMsMost = 120_000

/** Longest that a process may take to end, ms: one that is in a call of a stranger's does not hear of it. */
const endMsMost = 5000

async function answerOf(child: ChildProcess, exited: Promise<unknown>): Promise<unknown> {
  const waiting = new AbortController()
  const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(answerMsMost)])
  const gone = exited.then(() => {
    throw new Error('the process that was measured ended')
  })
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal }), gone])) as [{ error?: string }]
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  } finally {
    waiting.abort()
  }
}

/** Starts `program`, a file beside this one. It ends with its channel. */
export async function startMeasured(program: string): Promise<Measured> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const child = fork(path, {
    execArgv: ['--no-warnings'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 2, 'ipc'],
  })
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  const pid = child.pid as number
  return {
    async ask<Answer>(question: object): Promise<Answer> {
      child.send(question)
      return (await answerOf(child, exited)) as Answer
    },
    pssKib() {
      const [, kib] = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
      return Number(kib)
    },
    cpuNs: () => cpuNsOf(pid),
    longestWaitNs: () => longestWaitNsOf(pid),
    async [Symbol.asyncDispose]() {
      child.disconnect() // it removes what it made, and ends
      const late = setTimeout(() => child.kill('SIGKILL'), endMsMost)
      await exited
      clearTimeout(late)
    },
  }
}

/** The other side: answers each question in turn, with an error where `answer` rejects. */
export function answerEach(answer: (question: unknown) => Promise<object>): void {
  process.on('disconnect', () => process.exit())
  process.on('message', (question) => {
    answer(question).then(
      (answered) => process.send?.(answered),
      (cause: unknown) => process.send?.({ error: cause instanceof Error ? cause.message : String(cause) }),
    )
  })
}
