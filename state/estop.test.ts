import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rigEstopBytes } from '../gen/layout.ts'
import { createHome, findHome } from '../rpc/home.ts'
import { openEstopSlot } from '../shm/slots.ts'
import { type Estop, openEstop } from './estop.ts'

/** A rig's home with nobody in it. Each `open` is a process that begins, as far as the stop is concerned. */
function rig() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-estop-'))
  const home = findHome({ OPENRACING_HOME: root })
  createHome(home)
  const opened: Estop[] = []
  let nowMs = 1000
  return {
    home,
    file: join(home.stateDir, 'estop.json'),
    open: () => {
      const estop = openEstop(home, () => nowMs++)
      opened.push(estop)
      return estop
    },
    /** What the loop sees. */
    cell: () => {
      const cell = openEstopSlot(home)
      const bytes = Buffer.alloc(rigEstopBytes)
      const number = cell.read(bytes)
      cell.close()
      return number > 0n && bytes.readBigUInt64LE() !== 0n
    },
    loseSharedMemory: () => rmSync(join(home.shmDir, 'estop')),
    [Symbol.dispose]: () => {
      for (const estop of opened) estop.close()
      rmSync(home.shmDir, { recursive: true })
      rmSync(root, { recursive: true })
    },
  }
}

test('a stop is in the cell that the loop reads and on the disk, and the first reason stays', () => {
  using it = rig()
  const estop = it.open()
  assert.deepEqual(estop.standing(), { engaged: null, warning: '' })
  assert.equal(it.cell(), false)
  const { engaged } = estop.engage('a hand in the wheel')
  assert.equal(engaged?.reason, 'a hand in the wheel')
  assert.equal(it.cell(), true)
  assert.deepEqual(estop.engage('again'), { engaged, warning: '' })
  assert.match(readFileSync(it.file, 'utf8'), /a hand in the wheel/)
})

test('a stop outlives the host, and the shared memory of the whole rig', () => {
  using it = rig()
  const { engaged } = it.open().engage('smoke')
  it.loseSharedMemory()
  assert.deepEqual(it.open().standing().engaged, engaged)
  assert.equal(it.cell(), true)
})

test('clearing clears both, may be done twice, and a later stop has its own reason', () => {
  using it = rig()
  const estop = it.open()
  estop.engage('first')
  assert.equal(estop.clear().engaged, null)
  assert.equal(estop.clear().engaged, null)
  assert.equal(it.cell(), false)
  assert.equal(it.open().standing().engaged, null)
  assert.equal(estop.engage('second').engaged?.reason, 'second')
})

test('a stop that somebody else put into the cell is adopted, with its reason where there is one', () => {
  using it = rig()
  const host = it.open()
  it.open().engage('from the console, past a host that hung')
  assert.equal(host.standing().engaged?.reason, 'from the console, past a host that hung')
  host.clear()
  assert.equal(it.cell(), false)

  const cell = openEstopSlot(it.home)
  cell.publish(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))
  cell.close()
  assert.match(it.open().standing().engaged?.reason ?? '', /found stopped, with no record/)
  it.loseSharedMemory()
  assert.match(it.open().standing().engaged?.reason ?? '', /found stopped/, 'and was recorded')
})

test('a record that cannot be read counts as engaged and says so, until it is cleared', () => {
  using it = rig()
  for (const text of ['', '{', '{"version":1}', '{"version":2,"engaged":null}', 'x'.repeat(5000)]) {
    writeFileSync(it.file, text)
    const { engaged } = it.open().standing()
    assert.match(engaged?.reason ?? '', /cannot be read, which counts as stopped \(.*estop\.json/, text)
    assert.equal(it.cell(), true, text)
    it.open().clear()
    assert.equal(it.open().standing().engaged, null)
  }
})

test('a stop that cannot be recorded holds all the same, and one that cannot be un-recorded is not cleared', () => {
  using it = rig()
  const estop = it.open()
  rmSync(it.home.stateDir, { recursive: true })
  const { engaged, warning } = estop.engage('no disk')
  assert.equal(engaged?.reason, 'no disk')
  assert.match(warning, /^the stop holds, but could not be recorded/)
  assert.equal(it.cell(), true)
  assert.throws(() => estop.clear(), { code: 'PERMISSION_DENIED' })
  assert.equal(it.cell(), true)
  assert.equal(estop.standing().engaged?.reason, 'no disk')
})

test('a reason of any length stops the rig; 200 bytes of it are kept', () => {
  using it = rig()
  const { engaged } = it.open().engage('é'.repeat(500))
  assert.equal(engaged?.reason, 'é'.repeat(100))
})
