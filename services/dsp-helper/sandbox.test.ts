import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { isAlive } from '../../test/alive.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import { gapOf, watchSandbox } from './sandbox.ts'

const native = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url))

/** wheel-dsp as it is on a kernel without landlock and seccomp. */
function unconfinedDsp() {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-unconfined-'))
  const program = join(directory, 'wheel-dsp')
  const source = fileURLToPath(new URL('../../test/processes/unconfined-dsp.c', import.meta.url))
  const parts = ['plugin_segment.c', 'ring.c', 'segment.c', 'truncation.c', 'doorbell.c'].map(native)
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Werror', '-o', program, source, ...parts])
  return { program, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

test('on a kernel that cannot confine them Fast plugins are refused with the remedy, unless the operator allows it', async () => {
  using dsp = unconfinedDsp()
  await using rig = await startPlane(dsp.program)
  const spec = fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))
  await rig.plane.setChain([spec], limits)
  const { state, detail, pid } = pluginOf(rig, 'inverts')
  assert.equal(state, PluginState.PLUGIN_STATE_FAILED)
  assert.match(
    detail,
    /^PERMISSION_DENIED: this kernel gave its process no landlock and seccomp, .*set plugins\.native\.allow_unsandboxed: true$/,
  )
  assert.equal(pid, 0)
  assert.deepEqual(rig.plane.missingSandbox(), { landlock: true, seccomp: true })

  await rig.plane.setChain([{ ...spec, allowUnsandboxed: true }], limits)
  await until('it is called', () => executions(rig, 'inverts') > 100n)
  assert.ok(isAlive(pluginOf(rig, 'inverts').pid))
})

test('where the kernel confines plugins nothing is missing', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  assert.equal(pluginOf(rig, 'inverts').state, PluginState.PLUGIN_STATE_RUNNING)
  assert.deepEqual(rig.plane.missingSandbox(), { landlock: false, seccomp: false })
})

test('what the kernel lacks is told once, however many plugins show it', () => {
  const lines: string[] = []
  const sink = new Writable({
    write(line, _, done) {
      lines.push(String(line))
      done()
    },
  })
  const watch = watchSandbox(pino(sink))
  for (const bits of [2, 2, 3, 2, 2]) {
    const gap = gapOf(bits)
    if (gap !== undefined) watch.found(gap)
  }
  assert.equal(lines.length, 1)
  assert.deepEqual(watch.missing(), { landlock: true, seccomp: false })
})
