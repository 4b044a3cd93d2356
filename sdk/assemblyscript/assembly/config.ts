// Reads numbers out of the JSON object that `initialize` receives.

import { member, numberAt } from './json'

/** The number under `key` at the top level; `fallback` when there is none or it is no number. `key` is plain ASCII. */
export function readNumber(json: usize, length: i32, key: string, fallback: f64): f64 {
  const end = json + <usize>length
  return numberAt(member(json, end, key), end, fallback)
}
