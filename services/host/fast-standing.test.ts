import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import { fastStanding } from './fast-standing.ts'

const {
  PLUGIN_STATE_FAILED: failed,
  PLUGIN_STATE_LOADED: loaded,
  PLUGIN_STATE_RUNNING: running,
  PLUGIN_STATE_WAITING: waiting,
} = PluginState
const artefact = '/plugins/gentle/gentle.so'
const dataPlaneLog = '/state/data-plane.log'

/** How a plugin with this report stands while the loop does as it says. */
const stands = (state: PluginState, detail: string, restarts = 0, loopComplaint?: string) =>
  fastStanding(
    { id: 'gentle', state, detail, statistics: PluginStatistics.fromPartial({ restarts }) },
    { artefact, dataPlaneLog, loopComplaint },
  )

test('a plugin that crashed says what happened, when it is started again, and where to look', () => {
  assert.deepEqual(stands(waiting, 'its process was ended by SIGSEGV'), {
    state: waiting,
    detail: `PLUGIN_FAILED: ${artefact}: its process was ended by SIGSEGV; it is started again within 100 ms; its stderr is in ${dataPlaneLog}`,
  })
})

test('the pause that is told grows with the restarts, to 30 s', () => {
  const pause = (restarts: number) => /within (\d+) ms/.exec(stands(waiting, 'its process ended', restarts).detail)?.[1]
  assert.deepEqual([1, 3, 100].map(pause), ['200', '800', '30000'])
})

test('a plugin that is back says that it runs again, and why it was gone', () => {
  const detail = 'PLUGIN_FAILED: create() returned NULL'
  assert.equal(stands(loaded, detail, 1).detail.split('; ')[1], 'it is being started again')
  assert.equal(stands(running, detail, 2).detail, 'it runs again; the last time create() returned NULL')
})

test('a new version that does not start is told while the one before runs on', () => {
  const refusal = 'PLUGIN_INVALID: the library exports no get_plugin_vtable()'
  const report = { id: 'gentle', state: running, detail: '', statistics: undefined, refusal }
  assert.deepEqual(fastStanding(report, { artefact, dataPlaneLog, loopComplaint: undefined }), {
    state: running,
    detail: `PLUGIN_INVALID: ${artefact}: the library exports no get_plugin_vtable(); what ran before runs on`,
  })
})

test('a plugin that nothing happened to says nothing', () => {
  assert.deepEqual(stands(running, ''), { state: running, detail: '' })
  assert.deepEqual(stands(running, 'adopted'), { state: running, detail: 'adopted' })
  assert.deepEqual(stands(loaded, ''), { state: loaded, detail: '' })
})

test('while no loop ticks a plugin waits for it whatever its process does, but one that is refused stays refused', () => {
  const complaint = 'it has no process'
  for (const state of [running, loaded, waiting]) {
    const { state: shown, detail } = stands(state, 'its process exited with code 0', 1, complaint)
    assert.equal(shown, waiting)
    assert.match(detail, /^SERVICE_UNAVAILABLE: wheel-rt.*it has no process$/)
  }
  assert.deepEqual(stands(failed, 'PLUGIN_INVALID: no', 0, complaint), {
    state: failed,
    detail: `PLUGIN_INVALID: ${artefact}: no`,
  })
})
