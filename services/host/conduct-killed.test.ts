import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Doom } from './testing/conduct-hosts.ts'
import { createKilledRig } from './testing/killed-rig.ts'

const program = fileURLToPath(new URL('testing/conduct-hosts.ts', import.meta.url))

/** Processes that are killed, two at a time; the hosts of so many rigs live in each, and die with it. */
const processes = 64
const rigsOfProcess = 8
/** So many statements are a start and some steps of every sort. */
const statementsMax = 110
/** Longest life of the host that is killed at a moment that nobody chose, ms. */
const livesMs = 30

async function kill(dooms: readonly Doom[]): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify(dooms)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), ended])
  await delay(Math.random() * livesMs)
  child.kill('SIGKILL')
  assert.deepEqual(await ended, [null, 'SIGKILL'])
}

test(`of ${processes * rigsOfProcess} hosts that are killed, before every statement and at any moment, none loses a decision or counts anything twice`, {
  timeout: 240_000,
}, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'openracing-killed-'))
  t.after(() => rmSync(root, { recursive: true }))
  let statement = 0
  async function killAll(rounds: number): Promise<void> {
    const rigs = Array.from({ length: rigsOfProcess }, () => createKilledRig(mkdtempSync(join(root, 'rig-'))))
    for (let round = 0; round < rounds; round += 1) {
      const last = rigs[round % rigs.length]
      const others = rigs.filter((rig) => rig !== last)
      const standing = others.map((rig) => {
        statement = (statement % statementsMax) + 1
        return rig.doom(statement)
      })
      await kill([...standing, ...(last === undefined ? [] : [last.doom(0)])])
      for (const rig of rigs) rig.check()
    }
    for (const rig of rigs) {
      t.diagnostic(`${rig.steps()} steps, ${rig.decisions()} decisions`)
      assert.ok(rig.decisions() > 20, 'something was decided')
    }
  }
  await Promise.all([killAll(processes / 2), killAll(processes / 2)])
})
