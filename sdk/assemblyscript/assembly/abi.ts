// The exports of openracing-sdk-1 that are the same in every plugin, and the numbers that its calls return.

/** What `process` is asked for. */
export namespace Op {
  /** Read the frame, and change it where ModifyTelemetry is granted. */
  export const TELEMETRY: i32 = 0
  /** Fill the LED frame. */
  export const LEDS: i32 = 1
}

/** What a plugin answers, and what a host call answers. */
export namespace Result {
  /** The frame is as it came. The same number as OK. */
  export const UNCHANGED: i32 = 0
  /** The frame was changed; the host takes it. */
  export const CHANGED: i32 = 1
  export const OK: i32 = 0
  export const ERROR: i32 = -1
  /** Also the answer to an operation that a plugin does not support. */
  export const INVALID_ARGUMENT: i32 = -2
  export const PERMISSION_DENIED: i32 = -3
  export const BUFFER_TOO_SMALL: i32 = -4
  export const NOT_INITIALISED: i32 = -5
}

/** The version of the ABI that this module speaks. Re-export it. */
export function openracing_abi(): i32 {
  return 1
}

/** Where the host allocates its exchange buffers, once, when it loads the plugin. Re-export it. */
export function alloc(size: i32): usize {
  return size < 0 ? 0 : heap.alloc(<usize>size)
}

/** The other half of alloc. Re-export it. */
export function dealloc(pointer: usize, size: i32): void {
  heap.free(pointer)
}
