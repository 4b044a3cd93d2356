import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { startRunner } from './runner.ts'
import { guestModule } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'

/** Has all of WASI made for it, which is the most that the host makes for a plugin. */
const fat = guestModule({
  imports: [{ module: 'wasi_snapshot_preview1', name: 'sched_yield', parameters: [], results: ['i32'] }],
})

// By what the host keeps for each plugin; who fills it alone is in bad-guests.test.ts.
test('when the heap of the executor is full, the plugin that ran is named, and the others move to another thread', async () => {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  const path = join(shmDir, 'fat.wasm')
  await writeFile(path, fat)
  const sha256 = createHash('sha256').update(fat).digest('hex')
  const log = pino({ level: 'silent' })
  const runner = await startRunner({ shmDir, ledCount: 15, log, guestLog: log, heapMiB: 20 })
  try {
    let refused: unknown
    while (refused === undefined) {
      refused = await runner.load(specOf({ path, sha256, rateHz: 1 })).then(
        () => undefined,
        (cause: unknown) => cause,
      )
    }
    assert.ok(refused instanceof RigError && refused.code === 'PLUGIN_FAILED', String(refused))
    assert.match(refused.detail, /the objects of all plugins had more than 20 MiB while it ran$/)
    const named = ({ violations }: SafePlugin): boolean =>
      violations.some(({ kind }) => kind === ViolationKind.VIOLATION_KIND_MEMORY)
    assert.equal(runner.list().filter(named).length, 0, 'the one that was refused is not in the list')
    const runs = ({ state, statistics }: SafePlugin): boolean =>
      state === PluginState.PLUGIN_STATE_RUNNING && statistics?.restarts === 1
    while (!runner.list().some(runs)) await delay(20)
  } finally {
    await runner.close()
    await rm(shmDir, { recursive: true })
  }
})
