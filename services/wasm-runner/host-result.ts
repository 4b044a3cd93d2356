/** What a host function answers. */
export const hostResult = {
  ok: 0,
  error: -1,
  invalidArgument: -2,
  permissionDenied: -3,
  bufferTooSmall: -4,
} as const
