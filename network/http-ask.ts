import { networkLimits } from './limits.ts'

/** A header's name, in lower case, and its value. */
export type Header = readonly [name: string, value: string]

/** An HTTP request that a plugin asks for, complete and within bounds. */
export interface HttpAsk {
  readonly method: string
  /** http or https, without user, password and fragment. */
  readonly url: URL
  readonly headers: readonly Header[]
  readonly body: Uint8Array
}

/** As somebody wrote it. */
export interface WrittenAsk {
  readonly method: string
  readonly url: string
  readonly headers: readonly Header[]
  readonly body: Uint8Array
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const withoutBody: ReadonlySet<string> = new Set(['GET', 'HEAD'])

const headerName = /^[\w!#$%&'*+.^`|~-]{1,128}$/
/** What a header may hold: visible characters of ASCII, spaces and tabs. */
const headerValue = /^[\t\x20-\x7e]*$/

/** Headers that say how a message travels, or whom it comes from: they are the host's to write. */
const hostsOwn: ReadonlySet<string> = new Set([
  ...['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect'],
  ...['accept-encoding', 'http2-settings', 'via', 'forwarded', 'date'],
])
const hostsOwnPrefix = /^(proxy-|sec-|x-forwarded-)/

const isHostsOwn = (name: string): boolean => hostsOwn.has(name) || hostsOwnPrefix.test(name)

/** What is wrong with a URL that a plugin asks for or is redirected to; undefined when nothing is. */
export function faultOfUrl(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `${url.protocol} is not carried; ask for http: or https:`
  if (url.username !== '' || url.password !== '') return 'the URL has a user or a password; send them in a header'
  if (url.href.length > networkLimits.urlCharacters) {
    return `the URL has ${url.href.length} characters; ask for at most ${networkLimits.urlCharacters}`
  }
  return undefined
}

function faultOfHeaders(headers: readonly Header[]): string | undefined {
  if (headers.length > networkLimits.headers) {
    return `there are ${headers.length} headers; send at most ${networkLimits.headers}`
  }
  let bytes = 0
  for (const [name, value] of headers) {
    const shown = JSON.stringify(name.slice(0, 64))
    if (!headerName.test(name)) return `${shown} is no name of a header; write letters, digits and hyphens`
    if (!headerValue.test(value))
      return `the header ${shown} has other characters than those of ASCII that are printed; encode it`
    if (isHostsOwn(name.toLowerCase())) return `the header ${shown} is the host's to write; leave it out`
    bytes += name.length + value.length + 4 // `: ` and the end of the line
  }
  return bytes <= networkLimits.headerBytes
    ? undefined
    : `the headers are ${bytes} bytes; send at most ${networkLimits.headerBytes}`
}

function faultOfBody(method: string, { length }: Uint8Array): string | undefined {
  if (length > networkLimits.requestBodyBytes) {
    return `the body is ${length} bytes; send at most ${networkLimits.requestBodyBytes}`
  }
  return length > 0 && withoutBody.has(method) ? `${method} has no body; send it with POST, or leave it out` : undefined
}

/** Checks a request, from a plugin or from a process that strangers' code is in. Returns a sentence about what is wrong. */
export function checkHttpAsk({ method, url: text, headers, body }: WrittenAsk): HttpAsk | string {
  if (!methods.has(method))
    return `the method is ${JSON.stringify(method.slice(0, 32))}; use ${[...methods].join(', ')}`
  const url = text.length > networkLimits.urlCharacters ? null : URL.parse(text)
  if (url === null) {
    return `the URL is ${JSON.stringify(text.slice(0, 64))}, ${text.length} characters; write a whole one of at most ${networkLimits.urlCharacters}`
  }
  const fault = faultOfUrl(url) ?? faultOfHeaders(headers) ?? faultOfBody(method, body)
  if (fault !== undefined) return fault
  url.hash = ''
  return { method, url, headers: headers.map(([name, value]) => [name.toLowerCase(), value] as const), body }
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** The headers of a JSON object; undefined where a value is no text. */
function headersOf(value: unknown): readonly Header[] | undefined {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  return entries.every((entry): entry is [string, string] => isText(entry[1])) ? entries : undefined
}

/** Objects, lists and commas of a request with as many headers as there may be, and of nothing more. */
const marksMax = 2 + 3 + networkLimits.headers

/**
 * Whether what stands outside of texts is as much as a request needs. 100 KiB of nothing but brackets take 18 ms to parse,
 * all of it in one call of the guest's; of one text, 0.7 ms.
 */
function isPlain(json: Uint8Array): boolean {
  let marks = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === 0x22) inText = !inText
    else if (inText && byte === 0x5c) at++
    else if (!inText && (byte === 0x7b || byte === 0x5b || byte === 0x2c)) marks++
  }
  return marks <= marksMax
}

const shape = 'write {"method", "url", "headers"?: {}, "body"?: text}'

/** Reads the JSON that a plugin hands over: `{"method", "url", "headers"?, "body"?}`. Returns a sentence where it is wrong. */
export function readHttpAsk(json: Uint8Array): HttpAsk | string {
  if (!isPlain(json)) return `the request has more in it than a request has; ${shape}`
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch (cause) {
    return `the request is not JSON (${(cause as Error).message.slice(0, 128)}); ${shape}`
  }
  if (typeof value !== 'object' || value === null) return `the request is no JSON object; ${shape}`
  const { method, url, headers: given, body = '', ...others } = value as Record<string, unknown>
  const headers = headersOf(given)
  const [other] = Object.keys(others)
  if (other !== undefined) return `the request has ${JSON.stringify(other.slice(0, 64))}; ${shape}`
  if (!isText(method) || !isText(url) || !isText(body) || headers === undefined) {
    return `the request lacks something, or has it as something else; ${shape}`
  }
  return checkHttpAsk({ method, url, headers, body: new TextEncoder().encode(body) })
}

/** Where a request goes, as ListedHosts compares it. */
export function targetOf({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
}
