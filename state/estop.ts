import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { rigEstop as layout, rigEstopBytes } from '../gen/layout.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { openEstopSlot } from '../shm/slots.ts'
import { cutToBytes } from '../shm/telemetry-frame.ts'
import { type EstopRecord, readEstopRecord, writeEstopRecord } from './estop-record.ts'

/** How the rig's emergency stop stands. */
export interface EstopStanding {
  /** Null: torque may flow. */
  readonly engaged: EstopRecord | null
  /** What is wrong with it; empty when nothing is. */
  readonly warning: string
}

/**
 * The emergency stop of a rig: a cell that the loop reads every tick, and a record on the disk that outlives the cell.
 * Either of them is enough to stop the rig; both are cleared together.
 */
export interface Estop {
  /**
   * Stops the rig: first the loop, then for good. A stop that holds stays as it is, its reason too. Never throws. Keeps
   * 200 bytes of the reason.
   */
  engage(reason: string): EstopStanding
  /** Lets torque flow again. Throws PERMISSION_DENIED and stays engaged when the disk cannot be told. */
  clear(): EstopStanding
  /** As it stands now. To be called some times a second: it also mends the cell when somebody destroyed it. */
  standing(): EstopStanding
  /** May be called twice. What is engaged stays so. */
  close(): void
}

/** Which file is there now; undefined when there is none. */
const fileOf = ({ shmDir }: Home): number | undefined => statSync(join(shmDir, 'estop'), { throwIfNoEntry: false })?.ino

const unexplained = 'the rig was found stopped, with no record of the reason'

/** Longest reason that is kept, bytes of UTF-8. */
const reasonBytesMax = 200

/**
 * Opens the emergency stop of a rig and puts it in force where the disk says that it is engaged: to be called before
 * anything drives. A cell that somebody else engaged is adopted, and recorded. That torque may flow is written when it is
 * first asked how the stop stands: a loop does not drive before.
 */
export function openEstop(home: Home, nowMs: () => number): Estop {
  let cell = openEstopSlot(home)
  let file = fileOf(home)
  const bytes = Buffer.alloc(rigEstopBytes)
  let known: EstopRecord | null = null
  let warning = ''

  const isCellEngaged = (): boolean => cell.read(bytes) > 0n && bytes.readBigUInt64LE(layout.engaged.offset) !== 0n

  function writeCell(engaged: boolean): void {
    bytes.writeBigUInt64LE(engaged ? 1n : 0n, layout.engaged.offset)
    cell.publish(bytes)
  }

  function record(engaged: EstopRecord): void {
    known = engaged
    try {
      writeEstopRecord(home, engaged)
      warning = ''
    } catch (cause) {
      warning = `the stop holds, but could not be recorded and may not outlive this rig (${(cause as Error).message})`
    }
  }

  /** Goes over to the file that is there now: the next loop reads it, and one that has the old one ends when it notices. */
  function reopen(): void {
    const before = cell
    cell = openEstopSlot(home)
    file = fileOf(home)
    before.close()
    if (known !== null && !isCellEngaged()) writeCell(true)
  }

  /** The loop needs a word; and somebody may have removed the file, put another one there, or cut it. */
  function renew(): void {
    if (fileOf(home) !== file) reopen()
    if (cell.read(bytes) === 0n) writeCell(known !== null)
    if (cell.read(bytes) !== 0n) return
    rmSync(join(home.shmDir, 'estop'), { force: true }) // cut: nothing that is written there is read
    reopen()
    if (cell.read(bytes) === 0n) writeCell(known !== null)
  }

  /** Somebody engaged the cell while we did not look: with a record, or with none. */
  function adopt(): void {
    if (known !== null || !isCellEngaged()) return
    known = readEstopRecord(home, nowMs())
    if (known === null) record({ sinceMs: nowMs(), reason: unexplained })
  }

  function standing(): EstopStanding {
    adopt()
    renew()
    adopt()
    return { engaged: known, warning }
  }

  known = readEstopRecord(home, nowMs())
  if (known !== null && !isCellEngaged()) writeCell(true)
  adopt()

  return {
    standing,
    engage(reason) {
      if (!isCellEngaged()) writeCell(true)
      if (known === null) known = readEstopRecord(home, nowMs())
      if (known === null) record({ sinceMs: nowMs(), reason: cutToBytes(reason, reasonBytesMax) })
      return standing()
    },
    clear() {
      try {
        writeEstopRecord(home, null)
      } catch (cause) {
        const why = `the rig stays stopped: ${home.stateDir} cannot be written (${(cause as Error).message}); make room or give it back to its user`
        throw new RigError('PERMISSION_DENIED', why, { cause })
      }
      // In this order: whatever ends us here, the rig stays stopped.
      writeCell(false)
      known = null
      warning = ''
      return standing()
    },
    close: () => cell.close(),
  }
}
