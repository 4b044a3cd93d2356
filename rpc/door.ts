import type { Socket } from 'node:net'

/** How long a connection may be without its first byte, ms. */
const firstByteMs = 10_000

/** The first byte of the preface of HTTP/2 and of no request of HTTP/1.1 that we answer (RFC 9113 §3.4). */
const isHttp2 = (byte: number): boolean => byte === 0x50 // "PRI * HTTP/2.0"

/**
 * Looks at the first byte of a connection, and hands it on with every byte that it has: gRPC speaks HTTP/2, and whoever
 * scrapes metrics HTTP/1.1, over one address.
 */
export function tellApart(
  socket: Socket,
  { http2, http1 }: { readonly http2: (socket: Socket) => void; readonly http1: (socket: Socket) => void },
): void {
  const late = setTimeout(() => socket.destroy(), firstByteMs)
  socket.once('close', () => clearTimeout(late))
  socket.once('readable', () => {
    clearTimeout(late)
    const first: Buffer | null = socket.read(1)
    if (first === null) return // it ended
    socket.unshift(first)
    if (isHttp2(first[0] as number)) http2(socket)
    else http1(socket)
  })
}
