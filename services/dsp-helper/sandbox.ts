import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { sandboxLandlock, sandboxSeccomp } from '../../gen/layout.ts'

/** What the kernel did not put round a plugin's process. */
export interface SandboxGap {
  /** Files are within its reach. */
  readonly landlock: boolean
  /** So are system calls. */
  readonly seccomp: boolean
}

/** Filters of system calls that a process has, by the kernel's word; undefined where it does not tell (before Linux 5.9). */
function filtersOf(pid: number | 'self'): number | undefined {
  try {
    const [, filters] = /^Seccomp_filters:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return filters === undefined ? undefined : Number(filters)
  } catch {
    return undefined
  }
}

/** The filter that comes after create() is not there: native/wheel-dsp.c puts up one before, and one then. */
export function isHalfFenced(pid: number): boolean {
  const [its, ours] = [filtersOf(pid), filtersOf('self')]
  return its !== undefined && ours !== undefined && its < ours + 2
}

/** The gap that SANDBOX_* bits leave, or undefined when there is none. */
export function gapOf(bits: number): SandboxGap | undefined {
  const gap = { landlock: (bits & sandboxLandlock) === 0, seccomp: (bits & sandboxSeccomp) === 0 }
  return gap.landlock || gap.seccomp ? gap : undefined
}

const names = ({ landlock, seccomp }: SandboxGap): string =>
  [landlock && 'landlock', seccomp && 'seccomp'].filter((name) => name !== false).join(' and ')

/** Why a plugin does not run there. */
export const refusalOf = (gap: SandboxGap): string =>
  `PERMISSION_DENIED: this kernel gave its process no ${names(gap)}, so nothing would confine the plugin; ` +
  'run Linux 5.13 or newer with both enabled, or set plugins.native.allow_unsandboxed: true'

/** Remembers which parts of the sandbox this machine lacks. */
export interface SandboxWatch {
  /** A process became ready with this gap. */
  found(gap: SandboxGap): void
  missing(): SandboxGap
}

export function watchSandbox(log: Logger): SandboxWatch {
  let missing: SandboxGap = { landlock: false, seccomp: false }
  return {
    found(gap) {
      const all = { landlock: missing.landlock || gap.landlock, seccomp: missing.seccomp || gap.seccomp }
      const known = all.landlock === missing.landlock && all.seccomp === missing.seccomp
      missing = all
      // The kernel's affair, and not that of the plugin where it showed.
      if (!known) log.warn({ missing: names(all) }, 'this kernel cannot confine Fast plugins')
    },
    missing: () => missing,
  }
}
