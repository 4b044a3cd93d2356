import { readFileSync } from 'node:fs'

/** How wheel-rt and its plugins share the machine; native/realtime.h. As `taskset` and `cyclictest` are told cores. */
export interface Cores {
  /** The last core that this process may use: the loop's. */
  readonly loop: string
  /** Those that the plugins' processes are left with; the same one where there is only one. */
  readonly others: string
}

/** The numbers that `0-2,5` lists. */
const numbersOf = (list: string): readonly number[] =>
  list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })

export function findCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const numbers = numbersOf(list)
  const loop = `${numbers.at(-1)}`
  return { loop, others: numbers.length > 1 ? numbers.slice(0, -1).join(',') : loop }
}
