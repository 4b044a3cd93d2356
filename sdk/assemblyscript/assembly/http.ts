// What leads to the network, for plugins of every kind. Needs Network, and the host in the list of the manifest
// (`permissions: {network: [api.example.org, 192.168.1.20:9000]}`): `host` has the ports 80 and 443, `host:port` that one.
//
// A plugin that ticks never waits: it asks in one tick, and looks in later ones.
//
//     let answer: i32 = 0
//     …
//     if (answer < 1) answer = httpGet('https://api.example.org/lap')   // once in a while, and not in every tick
//     else if (httpStatus(answer) != Http.UNDER_WAY) { … httpRead(answer, place, size) … httpClose(answer); answer = 0 }
//
// In an action or a preprocessor httpStatus() waits for the answer, as long as the call may take.

@external('env', 'http_request') declare function http_request(json: usize, length: i32): i32
@external('env', 'http_status') declare function http_status(handle: i32): i32
@external('env', 'http_read') declare function http_read(handle: i32, bytes: usize, capacity: i32): i32
@external('env', 'http_header') declare function http_header(handle: i32, name: usize, nameLength: i32, bytes: usize, capacity: i32): i32
@external('env', 'http_close') declare function http_close(handle: i32): i32
@external('env', 'udp_send') declare function udp_send(to: usize, toLength: i32, bytes: usize, length: i32): i32

/** What httpStatus answers beside the status of HTTP. */
export namespace Http {
  export const UNDER_WAY: i32 = 0
  /** Not found, not reached, too late or too large; the plugin's log says which. */
  export const FAILED: i32 = -1
  /** No such handle. */
  export const UNKNOWN: i32 = -2
  /** It led to a host that the manifest does not list, or to an address of a local network that it does not list. */
  export const REFUSED: i32 = -3
}

/**
 * Asks, with JSON: `{"method": "POST", "url": "https://…", "headers": {"…": "…"}, "body": "…"}`, the last two where there is
 * a need. Returns a handle, 1 or more; -1 when too much is asked for at once or nothing is carried now, -2 for what is no
 * request, -3 for a host that is not listed. A plugin has four requests under way, eight that are not closed, and ten a
 * second; a body has 64 KiB, that of a response 1 MiB, and both together 10 s. Makes a copy of the text.
 */
export function httpRequest(json: string): i32 {
  const text = String.UTF8.encode(json)
  return http_request(changetype<usize>(text), text.byteLength)
}

/** httpRequest for a URL without quotes and backslashes, which no URL has. */
export function httpGet(url: string): i32 {
  return httpRequest('{"method":"GET","url":"' + url + '"}')
}

/** 100 to 599 once there is an answer; else one of Http. */
export function httpStatus(handle: i32): i32 {
  return http_status(handle)
}

/** The next bytes of the body: how many; 0 at its end, and the handle is gone. -1 while there is none, -2 for no such handle. */
export function httpRead(handle: i32, bytes: usize, capacity: i32): i32 {
  return http_read(handle, bytes, capacity)
}

/** The value of a header, or of all with this name: its bytes, 0 when there is none. -4 when there is not enough room. */
export function httpHeader(handle: i32, name: string, bytes: usize, capacity: i32): i32 {
  const text = String.UTF8.encode(name)
  return http_header(handle, changetype<usize>(text), text.byteLength, bytes, capacity)
}

/** Gives a handle back, and withdraws what is under way. 0, or -2 for no such handle. */
export function httpClose(handle: i32): i32 {
  return http_close(handle)
}

/** What is left of the body, as text; the handle is gone. Makes a string: not for a plugin that ticks for hours. */
export function httpText(handle: i32): string {
  let whole = ''
  const piece = new ArrayBuffer(4096)
  let held = 0 // bytes of a character that the piece before began
  for (;;) {
    const count = httpRead(handle, changetype<usize>(piece) + held, 4096 - held)
    if (count <= 0) break
    const bytes = held + count
    const complete = bytes - unfinished(changetype<usize>(piece), bytes)
    whole += String.UTF8.decodeUnsafe(changetype<usize>(piece), complete)
    held = bytes - complete
    memory.copy(changetype<usize>(piece), changetype<usize>(piece) + complete, held)
  }
  return whole
}

/** Bytes at the end that begin a character of UTF-8 and do not end it. */
function unfinished(bytes: usize, length: i32): i32 {
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = load<u8>(bytes + length - back)
    if ((byte & 0xc0) == 0x80) continue // in the middle of one
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needs > back ? back : 0
  }
  return 0
}

/**
 * Sends a datagram of 1 to 1200 bytes to `host:port`, which the manifest lists like that. 0 when it is on its way; whether it
 * arrives nobody knows. -1, -2 and -3 as of httpRequest. Two hundred a second.
 */
export function udpSend(to: string, bytes: usize, length: i32): i32 {
  const text = String.UTF8.encode(to)
  return udp_send(changetype<usize>(text), text.byteLength, bytes, length)
}
