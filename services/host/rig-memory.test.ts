import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { frameSlotBytes, ringSlots } from '../../gen/layout.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { openRingReader } from '../../shm/ring.ts'
import { openInputRing } from '../../shm/slots.ts'
import { openRigMemory, type RigMemory } from './rig-memory.ts'

function rig(input: 'hub' | 'external') {
  const root = mkdtempSync(join(tmpdir(), 'openracing-memory-'))
  const home = findHome({ OPENRACING_HOME: root })
  createHome(home)
  const told: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push(JSON.parse(line).msg) })
  const memory: RigMemory = openRigMemory(home, input, log)
  return {
    home,
    memory,
    told,
    loop: () => openRingReader(join(home.shmDir, 'input'), frameSlotBytes, ringSlots),
    [Symbol.dispose]: () => {
      memory.close()
      rmSync(home.shmDir, { recursive: true })
      rmSync(root, { recursive: true })
    },
  }
}

const slots = Buffer.alloc(2 * frameSlotBytes)

test('the hub becomes the writer of the input ring with its first force, and not before', () => {
  using it = rig('hub')
  openInputRing(it.home).close()
  assert.equal(it.memory.pushInput(slots), 0)
  assert.throws(() => openInputRing(it.home), { code: 'RING_IN_USE' })
  const loop = it.loop()
  assert.equal(loop.pop(Buffer.alloc(8 * frameSlotBytes)), 2)
  loop.close()
})

test('while another program feeds the loop the hub does not, says so once, and goes on when it can', () => {
  using it = rig('hub')
  const other = openInputRing(it.home)
  assert.equal(it.memory.pushInput(slots), 2)
  assert.equal(it.memory.pushInput(slots), 2)
  assert.equal(it.told.length, 1)
  assert.match(it.told[0] ?? '', /^the force of games is not played: another process writes into .*\/input/)
  other.close()
  assert.equal(it.memory.pushInput(slots), 0)
})

test('a hub that is told to leave the ring to others never opens it', () => {
  using it = rig('external')
  for (let times = 0; times < 3; times++) assert.equal(it.memory.pushInput(slots), 2)
  assert.deepEqual(it.told, ['telemetry.input is external: the force of games is not played'])
  openInputRing(it.home).close()
})

test('a data plane that was taken down and is back gets its force through its own ring', () => {
  using it = rig('hub')
  it.memory.pushInput(slots)
  rmSync(join(it.home.shmDir, 'input'))
  const loop = it.loop()
  it.memory.reopenInput()
  assert.equal(it.memory.pushInput(slots), 0)
  assert.equal(loop.pop(Buffer.alloc(8 * frameSlotBytes)), 2)
  loop.close()
})
