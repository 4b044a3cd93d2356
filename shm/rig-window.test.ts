import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  rigStatus as layout,
  rigPlugin as pluginLayout,
  rigMagic,
  rigPluginBytes,
  rigStatusBytes,
  rigVersion,
} from '../gen/layout.ts'
import { findHome, type Home } from '../rpc/home.ts'
import { openRigWindow } from './rig-window.ts'
import { shmDirectory } from './test/shm-directory.ts'

const homeIn = (path: string): Home => ({ ...findHome({ OPENRACING_HOME: path }), shmDir: path })

function status(version: number): Buffer {
  const bytes = Buffer.alloc(rigStatusBytes)
  bytes.writeUInt32LE(rigMagic, layout.magic.offset)
  bytes.writeUInt32LE(version, layout.version.offset)
  return bytes
}

test('the window shows what wheel-rt counted', () => {
  using directory = shmDirectory()
  const home = homeIn(directory.path)
  const bytes = status(rigVersion)
  bytes.writeUInt32LE(4711, layout.pid.offset)
  bytes.writeUInt32LE(1, layout.state.offset)
  bytes.writeBigUInt64LE(2n ** 53n + 1n, layout.beat_ns.offset)
  const third = layout.plugins.offset + 3 * rigPluginBytes
  bytes.writeUInt32LE(3, third + pluginLayout.state.offset)
  bytes.writeBigUInt64LE(17n, third + pluginLayout.missed_deadlines.offset)
  bytes.writeBigUInt64LE(5n, third + pluginLayout.cpu.offset) // max_ns of its histogram
  writeFileSync(join(home.shmDir, 'rig'), bytes)

  const window = openRigWindow(home)
  assert.equal(window.pid(), 4711)
  assert.equal(window.state(), 'running')
  assert.equal(window.beatNs(), 2n ** 53n + 1n)
  assert.equal(window.slot(3).state, 'corrupt')
  assert.equal(window.slot(3).missedDeadlines, 17n)
  assert.equal(window.slot(2).state, 'detached')
  assert.deepEqual(window.slotCpu(3), { buckets: [], maxNs: 5n })
  assert.equal(window.slotLongestNs(3), 5n)
  const copied = Buffer.alloc(bytes.length)
  window.copy(copied)
  assert.deepEqual(copied, bytes)
  window.close()
  window.close()
})

test('a status of another version is refused with the remedy', () => {
  using directory = shmDirectory()
  const home = homeIn(directory.path)
  writeFileSync(join(home.shmDir, 'rig'), status(rigVersion + 1))
  assert.throws(() => openRigWindow(home), {
    code: 'SHARED_MEMORY_INVALID',
    message: /end every process of this rig and remove it/,
  })
})
