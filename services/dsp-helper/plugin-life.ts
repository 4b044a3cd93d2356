import { setTimeout as delay } from 'node:timers/promises'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginReport } from '../../shm/plugin-report.ts'
import { nobody, type ProcessIdentity } from '../../supervision/found-process.ts'
import type { Violation } from './conduct.ts'
import { judgeEnding, type PluginEnding, type Reason } from './plugin-ending.ts'
import {
  type PluginProcess,
  type PluginProcessNeeds,
  removeFiles,
  reportOf,
  startPluginProcess,
} from './plugin-process.ts'
import { gapOf, isHalfFenced, refusalOf, type SandboxWatch } from './sandbox.ts'

/** How long a library may take to load and create(), ms. */
const createDeadlineMs = 5000

export interface PluginLifeNeeds extends PluginProcessNeeds {
  readonly sandbox: SandboxWatch
  /** The loop sends frames to the process that has this number. */
  readonly isFed: (instance: number) => boolean
  /** The process that has this number was at work for most of the time when it was last seen. */
  readonly wasBusy: (instance: number) => boolean
  readonly violated: (violation: Violation) => void
  /** The last report of a process. */
  readonly left: (instance: number, report: PluginReport) => void
  /** There is another process or state now. */
  readonly changed: () => void
}

/** One life of a plugin: a process from its start to its end. */
export interface PluginLife {
  readonly instance: number
  /** `nobody` before there is one. */
  process(): ProcessIdentity
  /** What the kernel put round its process, SANDBOX_* bits. */
  fence(): number
  /** Resolves with undefined when it is ready for frames, else with why it never will be: a code and a sentence. */
  readonly begun: Promise<string | undefined>
  /** Resolves with how the process of a life that had begun ended. */
  ended(): Promise<string>
  /** Ends its process. */
  end(why: Reason): void
  /** Ends its process and removes what it shared; resolves when it is gone. May be called twice. */
  close(): Promise<void>
}

/** What keeps a process from being started at all. */
function failureToStart(cause: unknown): string {
  if (cause instanceof RigError) return cause.message
  return `PLUGIN_FAILED: its process cannot be started (${cause instanceof Error ? cause.message : 'for no reason given'})`
}

/** How a process ended, for the operator; what it did wrong is charged. */
function judge(
  instance: number,
  { shmDir, isFed, wasBusy, violated }: PluginLifeNeeds,
  /** `closing`: we have no more use for it, and ended it whatever it was doing. */
  how: Pick<PluginEnding, 'exit' | 'ended'> & { readonly closing: boolean },
): string {
  const verdict = judgeEnding({
    ...how,
    report: reportOf(shmDir, instance),
    fed: isFed(instance),
    busy: !how.closing && wasBusy(instance),
  })
  if (verdict.violation !== undefined) violated(verdict.violation)
  return verdict.detail
}

function cleanUp(instance: number, { shmDir, left }: PluginLifeNeeds): void {
  const report = reportOf(shmDir, instance)
  if (report !== undefined) left(instance, report)
  removeFiles(shmDir, instance)
}

/** How a process ended while no helper was there to see it. */
export function lookBack(instance: number, needs: PluginLifeNeeds): string {
  const detail = judge(instance, needs, { exit: undefined, ended: undefined, closing: false })
  cleanUp(instance, needs)
  return detail
}

/** Begins a life with a process of its own, or goes on with `found`, one that is ready already. */
export function beginLife(
  spec: FastPluginSpec,
  instance: number,
  needs: PluginLifeNeeds,
  found?: PluginProcess,
): PluginLife {
  let process = found
  let closing = false
  let why: Reason | undefined

  /** Only of one that we started: its filters are counted beside our own. */
  const isUsurped = ({ pid, fence }: PluginProcess): boolean => gapOf(fence())?.seccomp !== true && isHalfFenced(pid)

  /** It said itself that it is ready, from its constructor or create(): what would keep it in is not there yet. */
  function usurped({ pid }: PluginProcess): string {
    const detail = `its process ${pid} said that it is ready before its fence was shut`
    needs.violated({ kind: 'protocol', detail, phase: null, sequence: 0 })
    return `PLUGIN_FAILED: ${detail}`
  }

  /** Why it may not go on although it is ready. */
  function confinement(): string | undefined {
    const gap = gapOf(process?.fence() ?? 0)
    if (gap === undefined) return undefined
    needs.sandbox.found(gap)
    return spec.allowUnsandboxed ? undefined : refusalOf(gap)
  }

  /** Ends a process that does not become ready, and says what it did instead. */
  async function giveUp(started: PluginProcess, late: Promise<unknown>): Promise<string> {
    const gone = await Promise.race([started.exited.then(() => true), late.then(() => false)])
    if (!gone) why = { charged: 'timeout', detail: `it was not ready within ${createDeadlineMs} ms` }
    await started.kill()
    return `PLUGIN_FAILED: ${judge(instance, needs, { exit: await started.exited, ended: why, closing })}`
  }

  async function start(): Promise<string | undefined> {
    const started = await startPluginProcess(spec, instance, needs)
    process = started
    needs.changed() // before its code runs: a helper that comes after us knows it by nothing else for certain
    if (closing) await started.kill() // close() came while the process was being made, and could not see it
    const late = delay(createDeadlineMs, '', { ref: false })
    const said = await Promise.race([started.began, late])
    if (said === 'ready') return isUsurped(started) ? usurped(started) : confinement()
    return said === '' ? giveUp(started, late) : said
  }

  /** What it was allowed when it began stands; that nothing confines it is told again. */
  async function goOn(): Promise<undefined> {
    confinement()
  }

  return {
    instance,
    process: () => process ?? nobody,
    fence: () => process?.fence() ?? 0,
    begun: found === undefined ? start().catch(failureToStart) : goOn(),
    ended: async () => {
      const exit = await process?.exited
      return judge(instance, needs, { exit, ended: why, closing })
    },
    end: (reason) => {
      why ??= reason
      void process?.kill()
    },
    close: async () => {
      closing = true
      await process?.kill()
      cleanUp(instance, needs)
    },
  }
}
