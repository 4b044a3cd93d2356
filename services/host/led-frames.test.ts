import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ledFrame as layout, ledCountMax, ledFrameBytes } from '../../gen/layout.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { openLedSlot } from '../../shm/slots.ts'
import { openLedFrames } from './led-frames.ts'

function rim() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-leds-'))
  const home = findHome({ OPENRACING_HOME: root })
  createHome(home)
  const slot = openLedSlot(home)
  const frames = openLedFrames(home)
  return {
    frames,
    show: (count: number, rgb: readonly number[]) => {
      const bytes = Buffer.alloc(ledFrameBytes)
      bytes.writeUInt32LE(count, layout.led_count.offset)
      bytes.writeFloatLE(0.5, layout.brightness.offset)
      bytes.writeUInt32LE(250, layout.duration_ms.offset)
      bytes.set(rgb, layout.rgb.offset)
      slot.publish(bytes)
    },
    [Symbol.dispose]: () => {
      frames.close()
      slot.close()
      rmSync(home.shmDir, { recursive: true })
      rmSync(root, { recursive: true })
    },
  }
}

test('the newest LED frame is read as it was drawn, with its number', () => {
  using it = rim()
  assert.equal(it.frames.latest(), undefined)
  it.show(1, [9, 9, 9])
  it.show(2, [255, 0, 0, 0, 128, 0, 7])
  const frame = it.frames.latest()
  assert.deepEqual(frame, {
    sequence: 2n,
    rgb: Buffer.from([255, 0, 0, 0, 128, 0]),
    brightness: 0.5,
    durationMs: 250,
  })
})

test('a frame that claims more LEDs than there can be has no more than there can be', () => {
  using it = rim()
  it.show(4_000_000_000, [])
  assert.equal(it.frames.latest()?.rgb.length, ledCountMax * 3)
})
