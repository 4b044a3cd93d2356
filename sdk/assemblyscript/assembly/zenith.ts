// What a preprocessing plugin needs to speak `zenith-1`.
//
// The host takes the memory for what it hands over behind that of the plugin, and grows it: make what you need when the
// plugin is loaded, and nothing in `process`.

@external('env', 'host_log') declare function host_log(text: usize, length: i32): void

/** What `process` and named operations return. */
export namespace Code {
  export const OK: i32 = 0
  /** Also where the output does not fit. */
  export const INVALID_INPUT: i32 = -1
  export const OUT_OF_MEMORY: i32 = -2
  export const OTHER: i32 = -99
}

/** What `plugin_info` returns, for `name vX.Y.Z`. Call it once, for a constant. */
export function info(nameAndVersion: string): usize {
  return changetype<usize>(String.UTF8.encode(nameAndVersion, true))
}

/** A text for hostLog, made once. */
export class Line {
  readonly bytes: ArrayBuffer

  constructor(text: string) {
    this.bytes = String.UTF8.encode(text)
  }
}

export function hostLog(line: Line): void {
  host_log(changetype<usize>(line.bytes), line.bytes.byteLength)
}
