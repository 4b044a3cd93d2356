// A program, and no WebAssembly.
export const build = (): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from('#!/bin/sh\necho hello\n'))
