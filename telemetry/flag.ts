/** Bits of `TelemetryFrame.flags` and `knownFlags`. The order is ABI: plugins read the same bits from shared memory. */
export const flagBit = {
  yellow: 1 << 0,
  red: 1 << 1,
  blue: 1 << 2,
  checkered: 1 << 3,
  green: 1 << 4,
  white: 1 << 5,
  pitLimiter: 1 << 6,
  inPits: 1 << 7,
  drsAvailable: 1 << 8,
  drsActive: 1 << 9,
  ersAvailable: 1 << 10,
  ersActive: 1 << 11,
  launchControl: 1 << 12,
  tractionControl: 1 << 13,
  absActive: 1 << 14,
  engineLimiter: 1 << 15,
  safetyCar: 1 << 16,
  formationLap: 1 << 17,
  sessionPaused: 1 << 18,
} as const

export type TelemetryFlag = keyof typeof flagBit

/** What a game says about its flags: present and true, present and false, or absent. */
export type FlagStates = { readonly [flag in TelemetryFlag]?: boolean | undefined }

/** `flags` and `knownFlags` of a frame. */
export function packFlags(states: FlagStates): { readonly flags: number; readonly knownFlags: number } {
  let flags = 0
  let knownFlags = 0
  for (const flag of Object.keys(flagBit) as TelemetryFlag[]) {
    if (states[flag] === undefined) continue
    knownFlags |= flagBit[flag]
    if (states[flag]) flags |= flagBit[flag]
  }
  return { flags, knownFlags }
}
