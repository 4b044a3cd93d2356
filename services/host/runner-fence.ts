import { PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'

/** The directories of plugins that the process of the wasm-runner may open: what they were granted when it was started. */
export interface RunnerFence {
  /** Puts it up for a process that is started now: what may be opened there. */
  raise(): readonly PathGrant[]
  /** Whether a process that is started now could open more. */
  isNarrow(): boolean
  /** Whether the process that runs may open these. */
  covers(directories: readonly PathGrant[]): boolean
}

const covers = (one: PathGrant, other: PathGrant): boolean =>
  one.path === other.path && (one.access === PathAccess.PATH_ACCESS_READ_WRITE || one.access === other.access)

/** `granted`: to all plugins, now. */
export function createRunnerFence(granted: () => readonly PathGrant[]): RunnerFence {
  let raised: readonly PathGrant[] = []
  const coversAll = (directories: readonly PathGrant[]): boolean =>
    directories.every((directory) => raised.some((each) => covers(each, directory)))
  return {
    isNarrow: () => !coversAll(granted()),
    raise() {
      raised = granted()
      return raised
    },
    covers: coversAll,
  }
}

/** Throws PERMISSION_DENIED where a plugin is granted what its process may not open. */
export function needCovered(fence: Pick<RunnerFence, 'covers'>, directories: readonly PathGrant[]): void {
  const outside = directories.filter((directory) => !fence.covers([directory]))
  if (outside.length === 0) return
  const paths = outside.map(({ path }) => path).join(', ')
  const why = `the process of the Safe plugins was started before ${paths} was granted, and may not open it`
  throw new RigError('PERMISSION_DENIED', `${why}; \`wheelctl service restart wasm-runner\` starts it again`)
}
