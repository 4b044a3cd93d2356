import { join } from 'node:path'
import {
  frameSlotBytes,
  ledFrameBytes,
  rigControlBytes,
  rigEstopBytes,
  ringSlots,
  safeScalarBytes,
  telemetryFrameBytes,
} from '../gen/layout.ts'
import type { Home } from '../rpc/home.ts'
import { type Latest, openLatest } from './latest.ts'
import { openRingReader, openRingWriter, type RingReader, type RingWriter } from './ring.ts'
import { openWords } from './words.ts'

// The files of a rig's shared memory directory. native/rig.h says who writes each.

/** The newest TelemetryFrame, 256 bytes. The hub publishes. */
export const openTelemetrySlot = (home: Pick<Home, 'shmDir'>): Latest =>
  openLatest(join(home.shmDir, 'telemetry'), telemetryFrameBytes)

/** The newest LedFrame with room for 64 LEDs, 208 bytes. The wasm-runner publishes. */
export const openLedSlot = (home: Pick<Home, 'shmDir'>): Latest => openLatest(join(home.shmDir, 'leds'), ledFrameBytes)

/** The newest SafeScalar, 16 bytes. The wasm-runner publishes. */
export const openScalarSlot = (home: Pick<Home, 'shmDir'>): Latest =>
  openLatest(join(home.shmDir, 'scalar'), safeScalarBytes)

/**
 * The cells on the way from the wasm-runner's thread of suspects to its common one. They are cells of their own because
 * those of the rig have one writer each: that is the common thread, which passes on what it finds here.
 */
export const openSuspectCells = ({
  shmDir,
}: Pick<Home, 'shmDir'>): { readonly leds: Latest; readonly scalar: Latest } => ({
  leds: openLatest(join(shmDir, 'suspect-leds'), ledFrameBytes),
  scalar: openLatest(join(shmDir, 'suspect-scalar'), safeScalarBytes),
})

/** Places of the record of who runs, one a thread; eight words each. services/wasm-runner/call-record.ts says which. */
export const safeCallPlaces = 64
export const safeCallWords = 8

/** Which Safe plugin's code runs on which thread of the wasm-runner. It outlives the process. */
export const openSafeCalls = ({ shmDir }: Pick<Home, 'shmDir'>): Uint32Array =>
  openWords(join(shmDir, 'safe-calls'), safeCallPlaces * safeCallWords * 4)

/** What the loop is told, a RigControl. The dsp-helper publishes. */
export const openControlSlot = (home: Pick<Home, 'shmDir'>): Latest =>
  openLatest(join(home.shmDir, 'control'), rigControlBytes)

/** The emergency stop, a RigEstop. The host publishes; `wheelctl` in its place when it is dead. */
export const openEstopSlot = (home: Pick<Home, 'shmDir'>): Latest =>
  openLatest(join(home.shmDir, 'estop'), rigEstopBytes)

/** Frames for the loop. The hub, or another producer in its place, writes. */
export const openInputRing = (home: Pick<Home, 'shmDir'>): RingWriter =>
  openRingWriter(join(home.shmDir, 'input'), frameSlotBytes, ringSlots)

/** One slot a tick from the loop. One consumer reads. */
export const openOutputRing = (home: Pick<Home, 'shmDir'>): RingReader =>
  openRingReader(join(home.shmDir, 'output'), frameSlotBytes, ringSlots)
