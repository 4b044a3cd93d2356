import { rigEstopBytes } from '../gen/layout.ts'
import type { Home } from '../rpc/home.ts'
import { openEstopSlot } from '../shm/slots.ts'

/** Says what a host says when no emergency stop is engaged: without a word the loop holds torque at zero. */
export function letTorqueFlow(home: Home): void {
  const cell = openEstopSlot(home)
  cell.publish(new Uint8Array(rigEstopBytes))
  cell.close()
}
