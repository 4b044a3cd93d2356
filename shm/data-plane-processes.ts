import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const count = z.int().min(0)

/** How the roster names a process of a plugin. */
export const namedProcess = { instance: count, pid: count, startTicks: count }

const roster = z.looseObject({
  places: z.array(z.looseObject(namedProcess)),
  others: z.array(z.looseObject(namedProcess)),
})

export const rosterPath = (shmDir: string): string => join(shmDir, 'roster.json')

/**
 * The processes of plugins that the rig's dsp-helper wrote down, for who has to end them without it. Of what a version
 * wrote that is not ours no more is read than that; a roster that cannot be read names nobody.
 */
export function readDataPlaneProcesses(
  shmDir: string,
): readonly { readonly pid: number; readonly startTicks: number }[] {
  try {
    const { places, others } = roster.parse(JSON.parse(readFileSync(rosterPath(shmDir), 'utf8')))
    return [...places, ...others]
  } catch {
    return []
  }
}
