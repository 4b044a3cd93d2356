import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type PluginReport, readPluginReport } from '../../shm/plugin-report.ts'
import { createPluginSegment } from '../../shm/plugin-segment.ts'
import { followProcess, type ProcessIdentity } from '../../supervision/found-process.ts'
import { sealArtefact } from './artefact.ts'
import { adoptDataProcess, type DataProcess, startDataProcess } from './data-process.ts'

/** The files that a process of a plugin has, by its number. */
export const segmentPath = (shmDir: string, instance: number): string => join(shmDir, `plugin-${instance}`)
const configPath = (shmDir: string, instance: number): string => join(shmDir, `config-${instance}`)

/** What the process of a plugin, with this number, says of itself; it outlives the process. */
export const reportOf = (shmDir: string, instance: number): PluginReport | undefined =>
  readPluginReport(segmentPath(shmDir, instance))

export function removeFiles(shmDir: string, instance: number): void {
  for (const path of [segmentPath(shmDir, instance), configPath(shmDir, instance)]) rmSync(path, { force: true })
}

/** The process of a plugin, wheel-dsp. */
export interface PluginProcess extends DataProcess {
  /** Names its shared memory; given once. */
  readonly instance: number
  /** `ready`, or a failure's code and sentence; empty when it ended without a word. */
  readonly began: Promise<string>
  /** What the kernel put round it, SANDBOX_* bits; 0 before it began. It was said before the plugin's code ran. */
  fence(): number
}

export interface PluginProcessNeeds {
  readonly shmDir: string
  /** Path of the wheel-dsp program. */
  readonly wheelDsp: string
  /** Where its stderr goes. */
  readonly logFd: number
}

/** Starts a process for a plugin. RigError where its library is not what was verified, or cannot be read. */
export async function startPluginProcess(
  spec: FastPluginSpec,
  instance: number,
  { shmDir, wheelDsp, logFd }: PluginProcessNeeds,
): Promise<PluginProcess> {
  using library = await sealArtefact(spec)
  const segment = segmentPath(shmDir, instance)
  const config = configPath(shmDir, instance)
  createPluginSegment(segment)
  writeFileSync(config, spec.configJson, { mode: 0o600 })
  const args = [segment, spec.directory, config, `${spec.maxMemoryBytes}`]
  const { report, ...started } = await startDataProcess(wheelDsp, args, logFd, [library.descriptor])
  let fence = 0
  const began = report.then((text) => {
    const [line = '', bits] = /^fence (\d)\n/.exec(text) ?? []
    fence = Number(bits ?? 0)
    return text.slice(line.length)
  })
  return { ...started, instance, began, fence: () => fence }
}

/**
 * Takes over the process of a plugin that a helper before us started, if it still runs. It was ready. What it calls
 * itself does not count: a plugin can write over its own arguments.
 */
export function adoptPluginProcess(
  identity: ProcessIdentity & { readonly fence: number },
  instance: number,
): PluginProcess | undefined {
  const found = followProcess(identity)
  return found && { ...adoptDataProcess(found), instance, began: Promise.resolve('ready'), fence: () => identity.fence }
}
