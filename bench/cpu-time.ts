import { readdirSync, readFileSync } from 'node:fs'

/** How long the thread of a process that waited longest was ready to run and had no core, ns since it began. */
export function longestWaitNsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`
  const waitedNs = (thread: string) => Number(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ')[1])
  return Math.max(...readdirSync(tasks).map(waitedNs))
}

/** CPU time of a process and all its threads so far, ns; exact, where /proc/PID/stat counts in steps of 10 ms. */
export function cpuNsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).reduce(
    (sum, thread) => sum + Number(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ', 1)[0]),
    0,
  )
}
