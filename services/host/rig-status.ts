import { rigStatus as layout, rigStatusBytes, rigWaitings } from '../../gen/layout.ts'
import { Loop, Torque, Waiting, Wheel } from '../../gen/proto/openracing/v1/rig.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import { readHistogram } from '../../shm/histogram.ts'
import { isTicking, openRigWindow, type RigWindow } from '../../shm/rig-window.ts'

/** Everything but the plugins, which the dsp-helper reports. */
const headBytes = layout.plugins.offset

/** What the loop says of itself. Each value is whole; all are at most a tick apart. */
export interface RigReading {
  readonly loop: Loop
  readonly torque: Torque
  readonly wheel: Wheel
  /** The emergency stop holds torque at zero. */
  readonly estopped: boolean
}

/** Reads the loop's status, whether a loop is there or not. */
export interface RigStatus {
  /** The loop now; zeros and `running: false` while there is none. Never throws. */
  read(): RigReading
  /** The whole RigStatus now; all zeros while there is none. Never throws. */
  snapshot(): Buffer
  /** May be called twice. */
  close(): void
}

const absent: RigReading = {
  loop: Loop.fromPartial({}),
  torque: Torque.fromPartial({}),
  wheel: Wheel.fromPartial({}),
  estopped: false,
}

const waitingOf: Readonly<Record<(typeof rigWaitings)[number], Waiting>> = {
  predictive: Waiting.WAITING_PREDICTIVE,
  futex: Waiting.WAITING_FUTEX,
}

function readWaiting(running: boolean, number: number): Waiting {
  const waiting = rigWaitings[number]
  return running && waiting !== undefined ? waitingOf[waiting] : Waiting.WAITING_UNSPECIFIED
}

type Field = keyof typeof layout

function decode(bytes: Buffer, nowNs: bigint): RigReading {
  const u32 = (field: Field): number => bytes.readUInt32LE(layout[field].offset)
  const u64 = (field: Field): bigint => bytes.readBigUInt64LE(layout[field].offset)
  const f32 = (field: Field): number => bytes.readFloatLE(layout[field].offset)
  const f64 = (field: Field): number => bytes.readDoubleLE(layout[field].offset)
  const running = isTicking(bytes, nowNs)
  return {
    loop: {
      running,
      pid: u32('pid'),
      generation: u32('generation'),
      ticks: u64('ticks'),
      missedTicks: u64('missed_ticks'),
      lateness: readHistogram(bytes, layout.lateness.offset),
      duration: readHistogram(bytes, layout.duration.offset),
      realtime: u32('realtime') === 1,
      memoryLocked: u32('memory_locked') === 1,
      staleInputs: u64('stale_inputs'),
      refusedInputs: u64('refused_inputs'),
      waiting: readWaiting(running, u32('waiting')),
      chainLength: u32('chain_count'),
      beatNs: u64('beat_ns'),
    },
    torque: {
      inNm: f32('in_nm'),
      outNm: f32('out_nm'),
      inSquareSum: f64('in_square_sum'),
      outSquareSum: f64('out_square_sum'),
      maxAbsNm: f32('max_abs_nm'),
      nonFinite: u64('non_finite'),
      clamped: u64('clamped'),
      slewLimited: u64('slew_limited'),
      ffbScalar: f32('ffb_scalar'),
    },
    wheel: { angle: f32('wheel_angle'), speed: f32('wheel_speed') },
    estopped: running && u32('estopped') === 1,
  }
}

/** Looks at the loop of a rig. `nowNs`: CLOCK_MONOTONIC. */
export function watchRigStatus(home: Home, nowNs: () => bigint): RigStatus {
  const bytes = Buffer.alloc(headBytes)
  let window: RigWindow | undefined

  function copy(target: Buffer): boolean {
    try {
      window ??= openRigWindow(home)
    } catch (cause) {
      if (cause instanceof RigError) return false // no loop yet, or one of another version
      throw cause
    }
    window.copy(target)
    return true
  }

  function close(): void {
    window?.close()
    window = undefined
  }

  function read(): RigReading {
    const reading = copy(bytes) ? decode(bytes, nowNs()) : absent
    // A loop that comes after one that was taken down has a file of its own.
    if (!reading.loop.running) close()
    return reading
  }

  return {
    read,
    snapshot: () => {
      const all = Buffer.alloc(rigStatusBytes)
      copy(all)
      if (!isTicking(all, nowNs())) close()
      return all
    },
    close,
  }
}
