import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { frameSlotBytes, frameSlot as layout } from '../gen/layout.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { openInputRing, openOutputRing } from '../shm/slots.ts'
import { startRig } from '../test/rig/rig.ts'
import { inTime, until } from '../test/until.ts'
import { runWheelctl } from '../test/wheelctl.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'examples/README.md'), 'utf8')

/** The line that the README prints, with the program put elsewhere. */
function compile(home: Home): string {
  const line = /^gcc .*$/m.exec(readme)?.[0] ?? ''
  const program = join(home.stateDir, 'producer')
  assert.match(line, / -o producer /)
  const [compiler, ...args] = line.replace(' -o producer ', ` -o ${program} -Wall -Wextra -Werror `).split(' ')
  execFileSync(compiler as string, args, { cwd: root })
  return program
}

/** Whether the sine of 2 N·m came out within the last second, both ways. */
function watchSine(home: Home) {
  const ring = openOutputRing(home)
  const slots = Buffer.alloc(1024 * frameSlotBytes)
  let least = 0
  let most = 0
  function look(): { readonly least: number; readonly most: number } {
    const count = ring.pop(slots)
    for (let index = 0; index < count; index++) {
      const torque = slots.readFloatLE(index * frameSlotBytes + layout.torque_out.offset)
      least = Math.min(least, torque)
      most = Math.max(most, torque)
    }
    return { least, most }
  }
  return { look, close: ring.close }
}

/** Runs a producer until its torque came out. */
async function drive(home: Home, name: string, producer: ChildProcess): Promise<void> {
  const ended = once(producer, 'exit')
  using clean = new DisposableStack()
  clean.defer(() => void producer.kill('SIGKILL'))
  const sine = clean.adopt(watchSine(home), (it) => it.close())
  await until(`the torque of ${name} comes out`, () => {
    assert.equal(producer.exitCode, null)
    const { least, most } = sine.look()
    return least < -1.8 && most > 1.8
  })
  const isInUse = (cause: unknown): boolean => cause instanceof RigError && cause.code === 'RING_IN_USE'
  assert.throws(() => openInputRing(home), isInUse)
  producer.kill('SIGTERM')
  await inTime(`${name} ends`, ended)
}

test('both examples drive a rig as their README says, one after the other, and refuse to do it together', async () => {
  const config = /^```yaml\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  await using rig = await startRig((home) => appendFileSync(home.configFile, `\n${config}ffb: { gain: 1 }\n`))
  const { home } = rig.rig
  await until('the loop has its files', () => existsSync(join(home.shmDir, 'rig')))
  const env = { ...process.env, OPENRACING_HOME: home.configDir }
  const typescript = join(root, 'examples/producer.ts')
  await drive(home, 'producer.ts', spawn(process.execPath, [typescript], { env, stdio: 'ignore' }))
  const program = compile(home)
  const directory = (await runWheelctl(home, ['rig', 'memory'])).stdout.trim()
  await drive(home, 'producer.c', spawn(program, [directory], { stdio: 'ignore' }))

  using clean = new DisposableStack()
  clean.adopt(openInputRing(home), (ring) => ring.close())
  const refused = async (command: string, args: readonly string[]) => {
    const second = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    const both = Promise.all([text(second.stderr), once(second, 'exit')])
    const [said, [code]] = await inTime(`${command} is refused`, both)
    return [code, said]
  }
  assert.deepEqual(await refused(program, [directory]), [
    5,
    `producer: ${directory}/input: another program feeds this loop\n`,
  ])
  assert.deepEqual(await refused(process.execPath, [typescript]), [
    5,
    `producer: RING_IN_USE: another process writes into ${directory}/input, which has room for one; end it, or let it finish\n`,
  ])
})
