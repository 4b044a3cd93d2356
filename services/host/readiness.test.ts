import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Plugin, PluginGoal, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { RestartState } from '../../supervision/restart.ts'
import { readinessLine } from './readiness.ts'

const goal = PluginGoal.PLUGIN_GOAL_RUNNING
const plugins = (...states: readonly PluginState[]) =>
  states.map((state, index) => Plugin.fromPartial({ state, goal, name: `Plugin ${index}` }))
const service = (name: string, kind: 'running' | 'starting' | 'lost') => {
  const state: RestartState =
    kind === 'running'
      ? { kind, losses: 0, restarts: 0, recent: [], since: 0 }
      : { kind: 'starting', losses: kind === 'lost' ? 1 : 0, restarts: 0, recent: [] }
  return { name, state, pid: 1, lastExit: kind === 'lost' ? 'exit code 3' : '' }
}
const {
  PLUGIN_STATE_AVAILABLE: available,
  PLUGIN_STATE_FAILED: failed,
  PLUGIN_STATE_ENABLED: enabled,
  PLUGIN_STATE_LOADED: loaded,
  PLUGIN_STATE_QUARANTINED: quarantined,
  PLUGIN_STATE_RUNNING: running,
  PLUGIN_STATE_UNSUPPORTED: unsupported,
  PLUGIN_STATE_WAITING: waiting,
} = PluginState
const start = {
  elapsedMs: 811.6,
  addresses: ['unix:/run/host.sock', '127.0.0.1:50051'],
  loop: { kind: 'ticking' },
} as const
const where = 'in 812 ms on unix:/run/host.sock and 127.0.0.1:50051'
const ready = `openracing: ready ${where}`
const up = `openracing: up ${where}`

test('the line says how long it took, where the rig listens and how its plugins fare', () => {
  const services = [service('trust', 'running')]
  const line = (...states: readonly PluginState[]) => readinessLine({ ...start, plugins: plugins(...states), services })
  assert.equal(line(), `${ready}; 0 plugins running`)
  assert.equal(line(running), `${ready}; 1 plugin running`)
  assert.equal(line(running, running, running, failed), `${ready}; 3 plugins running, 1 failed`)
  assert.equal(line(running, waiting, quarantined, failed), `${ready}; 1 plugin running, 1 failed, 1 waiting`)
  assert.equal(line(running, unsupported), `${ready}; 1 plugin running, 1 unsupported`)
})

test('a plugin that was lost and is started again is waited for by nobody', () => {
  const again = Plugin.fromPartial({ state: enabled, goal, name: 'crashes', statistics: { restarts: 1 } })
  const services = [service('trust', 'running')]
  assert.equal(
    readinessLine({ ...start, plugins: [...plugins(running), again], services }),
    `${ready}; 1 plugin running, 1 waiting`,
  )
})

test('a rig of which something is in its first start is up, not ready', () => {
  const services = [service('trust', 'running'), service('wasm-runner', 'starting'), service('dsp-helper', 'starting')]
  const loop = { kind: 'missing', complaint: 'the dsp-helper does not run' } as const
  assert.equal(
    readinessLine({ ...start, plugins: [], services, loop }),
    `${up}; 0 plugins running; still starting: wasm-runner, dsp-helper, wheel-rt`,
  )
  const ticksSoon = { kind: 'starting', complaint: 'its process 5 does not tick' } as const
  assert.equal(
    readinessLine({ ...start, plugins: [], services: [service('dsp-helper', 'running')], loop: ticksSoon }),
    `${up}; 0 plugins running; still starting: wheel-rt`,
  )
})

test('a service that was lost is named with how it ended, also while it starts again', () => {
  const services = [service('trust', 'running'), service('wasm-runner', 'lost')]
  assert.equal(
    readinessLine({ ...start, plugins: [], services }),
    `${ready}; 0 plugins running; not running: wasm-runner (exit code 3)`,
  )
})

test('plugins that still load are named, by their directory where they have no name', () => {
  const listed = [...plugins(running, enabled), Plugin.fromPartial({ state: available, goal, directory: 'nameless' })]
  assert.equal(
    readinessLine({ ...start, plugins: listed, services: [] }),
    `${up}; 1 plugin running, 2 still loading: Plugin 1, nameless`,
  )
})

test('what is not to be called, and what waits for the word of the operator, is waited for by nobody', () => {
  const listed = [
    Plugin.fromPartial({ state: loaded, goal: PluginGoal.PLUGIN_GOAL_LOADED }),
    Plugin.fromPartial({ state: available, goal: PluginGoal.PLUGIN_GOAL_AVAILABLE }),
    Plugin.fromPartial({ state: available, goal, detail: 'removed from the chain' }),
    Plugin.fromPartial({ state: PluginState.PLUGIN_STATE_VERIFIED, goal, detail: 'ProcessDsp is not granted' }),
  ]
  assert.equal(readinessLine({ ...start, plugins: listed, services: [] }), `${ready}; 0 plugins running`)
})

test('a loop that does not tick is named after the services, with the reason', () => {
  const services = [service('trust', 'lost')]
  const loop = { kind: 'missing', complaint: 'it has no process' } as const
  assert.equal(
    readinessLine({ ...start, plugins: plugins(waiting), services, loop }),
    `${ready}; 0 plugins running, 1 waiting; not running: trust (exit code 3), wheel-rt (it has no process)`,
  )
})
