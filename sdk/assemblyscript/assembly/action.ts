// What an action needs to speak `midimon-action-1`: what it says about itself, what it is asked, and a line in its log.

import { element, member, numberAt, textAt } from './json'

@external('wasi_snapshot_preview1', 'fd_write')
declare function fd_write(descriptor: i32, vectors: usize, count: i32, written: usize): i32

/** What `execute` returns; 4 and more are the plugin's own. */
export namespace ActionResult {
  export const OK: i32 = 0
  export const BAD_MEMORY: i32 = 1
  export const BAD_JSON: i32 = 2
  /** Also the answer to an action that the plugin does not have. */
  export const FAILED: i32 = 3
}

/** What `init` returns: the place of the plugin's metadata, JSON with name, version, description, author, license, type and capabilities. */
export function describe(metadata: string): i64 {
  const text = String.UTF8.encode(metadata)
  return (<i64>changetype<usize>(text) << 32) | <i64>text.byteLength
}

/** What `execute` is asked. */
export class ActionRequest {
  private json: usize
  private end: usize

  constructor(pointer: usize, length: i32) {
    this.json = pointer
    this.end = pointer + <usize>length
  }

  /** The name of the action. */
  action(): string {
    return textAt(member(this.json, this.end, 'action'), this.end)
  }

  /** A parameter, from 0; empty where there is none. */
  parameter(index: i32): string {
    return textAt(element(member(this.json, this.end, 'parameters'), this.end, index), this.end)
  }

  /** A number of what set the action off: `velocity`, `note`, `cc`, `value`, `timestamp`. */
  context(key: string, fallback: f64 = 0): f64 {
    const context = member(this.json, this.end, 'context')
    return context == 0 ? fallback : numberAt(member(context, this.end, key), this.end, fallback)
  }
}

const VECTOR = memory.data(8)
const WRITTEN = memory.data(4)

/** Writes a line to the plugin's log. */
export function print(line: string): void {
  const text = String.UTF8.encode(line + '\n')
  store<u32>(VECTOR, <u32>changetype<usize>(text))
  store<u32>(VECTOR, <u32>text.byteLength, 4)
  fd_write(1, VECTOR, 1, WRITTEN)
}
