// The host's functions, module `env`. What a plugin does not call is not in its binary.

@external('env', 'log_debug') declare function log_debug(text: usize, length: i32): void
@external('env', 'log_info') declare function log_info(text: usize, length: i32): void
@external('env', 'log_warn') declare function log_warn(text: usize, length: i32): void
@external('env', 'log_error') declare function log_error(text: usize, length: i32): void
@external('env', 'check_capability') declare function check_capability(name: usize, length: i32): i32
@external('env', 'get_timestamp_us') declare function get_timestamp_us(): i64
@external('env', 'set_custom_data') declare function set_custom_data(key: usize, keyLength: i32, json: usize, jsonLength: i32): i32
@external('env', 'send_message') declare function send_message(to: usize, toLength: i32, bytes: usize, length: i32): i32
@external('env', 'receive_message') declare function receive_message(bytes: usize, length: i32): i32

/** Characters of a text that are sent to the host; the rest is cut off. */
const TEXT_MAX: i32 = 256

// UTF-8 needs at most three bytes for a UTF-16 unit. Two places, because custom data has a key and a value.
const FIRST = memory.data(768)
const SECOND = memory.data(768)

/** Writes `text` as UTF-8 to one of the places above; returns its bytes. Nothing is allocated. */
function encode(text: string, place: usize): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), min(text.length, TEXT_MAX), place)
}

export function logDebug(text: string): void {
  log_debug(FIRST, encode(text, FIRST))
}

export function logInfo(text: string): void {
  log_info(FIRST, encode(text, FIRST))
}

export function logWarn(text: string): void {
  log_warn(FIRST, encode(text, FIRST))
}

export function logError(text: string): void {
  log_error(FIRST, encode(text, FIRST))
}

/** 1 granted, -3 not, -2 for a name that the host does not know (`read_telemetry`, `control_leds` …). */
export function checkCapability(name: string): i32 {
  return check_capability(FIRST, encode(name, FIRST))
}

/** Since the instance was created, µs. */
export function timestampUs(): i64 {
  return get_timestamp_us()
}

/** Sets a value beside the telemetry. Needs ModifyTelemetry. `json` is any JSON value. */
export function setCustomData(key: string, json: string): i32 {
  return set_custom_data(FIRST, encode(key, FIRST), SECOND, encode(json, SECOND))
}

/** setCustomData for a count, without making a string: cheap enough for every frame. */
export function setCustomCount(key: string, count: u64): i32 {
  let at = SECOND + 20 // u64 has at most 20 digits
  let rest = count
  do {
    at--
    store<u8>(at, 0x30 + <u8>(rest % 10))
    rest /= 10
  } while (rest != 0)
  return set_custom_data(FIRST, encode(key, FIRST), at, <i32>(SECOND + 20 - at))
}

/** Puts a copy of bytes into the mailbox of the plugin with this id. Needs InterPluginComm, on both sides. */
export function sendMessage(to: string, bytes: usize, length: i32): i32 {
  return send_message(FIRST, encode(to, FIRST), bytes, length)
}

/** Takes the oldest message out of the own mailbox: its bytes, or 0 when there is none. Needs InterPluginComm. */
export function receiveMessage(bytes: usize, capacity: i32): i32 {
  return receive_message(bytes, capacity)
}
