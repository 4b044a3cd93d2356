import type { Confinement } from '../../gen/proto/openracing/v1/plugin.ts'

/** What of the kernel keeps this process in: the word of native/confine.c, which has become it. Nothing where nobody confined it. */
export function readConfinement({ OPENRACING_CONFINED }: NodeJS.ProcessEnv): Confinement {
  const inForce = (OPENRACING_CONFINED ?? '').split(' ')
  return { landlock: inForce.includes('landlock'), seccomp: inForce.includes('seccomp') }
}

export const isWhole = ({ landlock, seccomp }: Confinement): boolean => landlock && seccomp

/** What is not in force, for a log. */
export const missingOf = ({ landlock, seccomp }: Confinement): string =>
  [landlock ? [] : ['landlock'], seccomp ? [] : ['seccomp']].flat().join(' and ')
