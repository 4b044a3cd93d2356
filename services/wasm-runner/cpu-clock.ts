/**
 * The kernel is asked again when the last answer is older than this, ns. It takes 0.2 to 2 µs to answer, as a virtual
 * machine has it, which was three quarters of a tick that does nothing.
 */
const trustedNs = 50_000

export interface CpuClockNeeds {
  /** CPU time of this thread, ns, as the kernel has it. */
  exactNs(): bigint
  /** Monotonic, ms. */
  nowMs(): number
}

/**
 * A clock of the CPU time of this thread, ns. Until it asks the kernel again it goes on as a wall clock does: a thread has
 * no more CPU time than that. So between two readings that are less than 50 µs apart lies what passed, at the most, and
 * between others the CPU time, less 50 µs at the most: an error is in favour of whoever is charged with the difference,
 * which may be negative. It tells who takes far too much from who does not, and not a µs from two.
 */
export function createCpuClock({ exactNs, nowMs }: CpuClockNeeds): () => number {
  let cpuNs = 0
  let wallMs = -Infinity
  return () => {
    const now = nowMs()
    const passedNs = (now - wallMs) * 1e6
    if (passedNs < trustedNs) return cpuNs + passedNs
    cpuNs = Number(exactNs())
    wallMs = now
    return cpuNs
  }
}
