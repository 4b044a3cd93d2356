/** What a force scalar may be: not finite is 0, and -1..1. */
export const clampScalar = (scalar: number): number => (Number.isFinite(scalar) ? Math.max(-1, Math.min(1, scalar)) : 0)

/**
 * The force scalar on its way through the plugins that may change it: each sees the newest output of the one before
 * it, the first sees the telemetry's. A plugin that has not answered yet is passed over.
 */
export interface ForcePipeline {
  /** Sets who takes part, in order. The outputs of those who stay are kept. */
  arrange(tickets: readonly number[]): void
  has(ticket: number): boolean
  /** What `ticket`, which takes part, sees; `source` is the telemetry's scalar. */
  inputOf(ticket: number, source: number): number
  put(ticket: number, output: number): void
  /** `ticket` has no answer any more: it is passed over until it has one. */
  withdraw(ticket: number): void
  /** Nobody takes part. */
  isEmpty(): boolean
  /** What comes out at the end. */
  result(source: number): number
}

export function createForcePipeline(): ForcePipeline {
  let places = new Map<number, number>()
  let outputs: (number | undefined)[] = []
  // Nearly always one step: only a plugin that has not answered yet is passed over.
  const newestBefore = (place: number, source: number): number => {
    for (let before = place - 1; before >= 0; before--) {
      const output = outputs[before]
      if (output !== undefined) return output
    }
    return source
  }
  return {
    arrange(tickets) {
      outputs = tickets.map((ticket) => outputs[places.get(ticket) ?? -1])
      places = new Map(tickets.map((ticket, place) => [ticket, place]))
    },
    has: (ticket) => places.has(ticket),
    inputOf: (ticket, source) => newestBefore(places.get(ticket) ?? 0, source),
    put(ticket, output) {
      const place = places.get(ticket)
      if (place !== undefined) outputs[place] = clampScalar(output)
    },
    withdraw(ticket) {
      const place = places.get(ticket)
      if (place !== undefined) outputs[place] = undefined
    },
    isEmpty: () => places.size === 0,
    result: (source) => newestBefore(outputs.length, source),
  }
}
