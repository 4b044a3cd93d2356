import { invalidField } from '../../rpc/failure.ts'

/** The interval that a watcher asked for, ms; `usual` for 0, which stands for not having asked. Throws REQUEST_INVALID. */
export function intervalWithin(
  intervalMs: number,
  { minimum, maximum, usual }: { readonly minimum: number; readonly maximum: number; readonly usual: number },
): number {
  if (intervalMs === 0) return usual
  if (intervalMs >= minimum && intervalMs <= maximum) return intervalMs
  throw invalidField('interval_ms', `is ${intervalMs}; send ${minimum} to ${maximum}, or 0 for ${usual}`)
}
