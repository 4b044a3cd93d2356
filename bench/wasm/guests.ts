import { guestModule, op } from '../../services/wasm-runner/testing/guest-module.ts'

/** Answers that nothing changed, and no more: what is measured is what is around it. */
export const idleGuest = guestModule()

/** Says that it is there, and loops until somebody ends it. */
export const loopingGuest = guestModule({
  imports: [{ module: 'env', name: 'log_info', parameters: ['i32', 'i32'], results: [] }],
  data: 'looping',
  process: [...op.i32(64), ...op.i32(7), ...op.call(0), ...op.loopForever, ...op.i32(0)],
})

/** The same without a word: Extism has no such import. */
export const silentLoopingGuest = guestModule({ process: [...op.loopForever, ...op.i32(0)] })
