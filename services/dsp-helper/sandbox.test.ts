import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import {
  DspHelperServiceClient,
  DspHelperServiceService,
  type GetDataPlaneResponse,
} from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { bind, claimService, serve } from '../../rpc/serve.ts'
import { isAlive } from '../../test/alive.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, near, type PlaneUnderTest, pluginOf, startPlane, torqueNm } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import { gapOf, watchSandbox } from './sandbox.ts'
import { dspHelperHandlers } from './service.ts'

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** wheel-dsp on a kernel that lacks a system call. */
function wheelDspWithout(lacking: string) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-older-'))
  const program = join(directory, 'wheel-dsp')
  const what = [`-DCALL=SYS_${lacking}`, `-DPROGRAM="${file('native/build/wheel-dsp')}"`]
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']
  execFileSync('cc', [...flags, ...what, '-o', program, file('test/processes/older-kernel.c')])
  return { program, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

/** A log, and the lines that were written to it. */
function keepLog() {
  const lines: { readonly msg: string; readonly missing?: string; readonly level: number }[] = []
  const sink = new Writable({
    write(line, _, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  return { log: pino(sink), lines }
}

/** What the dsp-helper says about its data plane over its socket. */
async function askDataPlane({ home, plane }: PlaneUnderTest): Promise<GetDataPlaneResponse> {
  const log = pino({ level: 'silent' })
  const server = await serve({
    service: 'dsp-helper',
    home,
    claim: claimService(home, 'dsp-helper'),
    definitions: [bind(DspHelperServiceService, dspHelperHandlers(plane, log))],
    log,
  })
  const client = connect(DspHelperServiceClient, `unix:${home.socket('dsp-helper')}`)
  try {
    return await call<GetDataPlaneResponse>((done) => client.getDataPlane({}, ...within(5000), done))
  } finally {
    client.close()
    await server.close()
  }
}

const older = [
  { missing: 'landlock', lacking: 'landlock_create_ruleset', gap: { landlock: true, seccomp: false } },
  { missing: 'seccomp', lacking: 'seccomp', gap: { landlock: false, seccomp: true } },
] as const

for (const { missing, lacking, gap } of older) {
  test(`on a kernel without ${missing} Fast plugins are refused with the remedy, unless the operator allows it`, async () => {
    using dsp = wheelDspWithout(lacking)
    const { log, lines } = keepLog()
    await using rig = await startPlane({ wheelDsp: dsp.program, log })
    const library = buildNativePlugin('inverts', rig.directory)
    const chain = ['first', 'second'].map((id) => fastPlugin(id, library))
    await rig.plane.setChain(chain, limits)
    for (const { id } of chain) {
      const { state, detail, pid } = pluginOf(rig, id)
      assert.equal(state, PluginState.PLUGIN_STATE_FAILED)
      assert.equal(
        detail,
        `PERMISSION_DENIED: this kernel gave its process no ${missing}, so nothing would confine the plugin; run Linux ` +
          '5.13 or newer with both enabled, or set plugins.native.allow_unsandboxed: true',
      )
      assert.equal(pid, 0)
    }

    const allowed = chain.map((spec) => ({ ...spec, allowUnsandboxed: true }))
    await rig.plane.setChain(allowed, limits)
    await until('both are called', () => chain.every(({ id }) => executions(rig, id) > 100n))
    for (const { id } of chain) {
      assert.ok(isAlive(pluginOf(rig, id).pid))
      assert.deepEqual(pluginOf(rig, id).confinement, { landlock: !gap.landlock, seccomp: !gap.seccomp })
      assert.deepEqual(
        pluginOf(rig, id).violations.filter(({ kind }) => kind !== ViolationKind.VIOLATION_KIND_BUDGET),
        [],
      )
    }
    assert.deepEqual(rig.plane.missingSandbox(), gap)
    const { landlockMissing, seccompMissing } = await askDataPlane(rig)
    assert.deepEqual({ landlock: landlockMissing, seccomp: seccompMissing }, gap)
    const warnings = lines.filter(({ msg }) => msg === 'this kernel cannot confine Fast plugins')
    assert.deepEqual(
      warnings.map((line) => line.missing),
      [missing],
    )
  })
}

/** Landlock knows of signals and sockets from Linux 6.12 on. */
const [major = 0, minor = 0] = release().split('.').map(Number)
const isScoped = major > 6 || (major === 6 && minor >= 12)

test('no filter of system calls stands alone: without it files, ports, other processes and its own memory are out of reach', async (t) => {
  if (!isScoped) return t.skip(`this kernel is ${release()}, and landlock knows of signals and ports from 6.12 on`)
  using dsp = wheelDspWithout('seccomp')
  await using rig = await startPlane({ wheelDsp: dsp.program })
  const spec = fastPlugin('reaches-out', buildNativePlugin('reaches-out', rig.directory))
  await rig.plane.setChain([{ ...spec, allowUnsandboxed: true }], limits)
  await until('it answers that it could do nothing', () => {
    const { statistics, violations } = pluginOf(rig, 'reaches-out')
    assert.deepEqual(
      violations.filter(({ kind }) => kind !== ViolationKind.VIOLATION_KIND_BUDGET),
      [],
    )
    return (statistics?.executions ?? 0n) > 300n && near(torqueNm(rig), 0)
  })
})

test('where the kernel confines plugins nothing is missing', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  assert.equal(pluginOf(rig, 'inverts').state, PluginState.PLUGIN_STATE_RUNNING)
  assert.deepEqual(rig.plane.missingSandbox(), { landlock: false, seccomp: false })
})

test('what confines a plugin is known by the word that was said before its code ran', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('hides-its-fence', buildNativePlugin('hides-its-fence', rig.directory))], limits)
  const { state, confinement } = pluginOf(rig, 'hides-its-fence')
  assert.equal(state, PluginState.PLUGIN_STATE_RUNNING)
  assert.deepEqual(confinement, { landlock: true, seccomp: true })
  assert.deepEqual(rig.plane.missingSandbox(), { landlock: false, seccomp: false })
})

test('what the kernel lacks is told once, however many plugins show it', () => {
  const { log, lines } = keepLog()
  const watch = watchSandbox(log)
  for (const bits of [2, 2, 3, 2, 2]) {
    const gap = gapOf(bits)
    if (gap !== undefined) watch.found(gap)
  }
  assert.equal(lines.length, 1)
  assert.deepEqual(watch.missing(), { landlock: true, seccomp: false })
})
