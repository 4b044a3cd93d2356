import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdjustSafePluginRequest, PathAccess } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { checkTerms, firstTerms, type PluginTerms, parseAdjustRequest, termsDetail } from './plugin-terms.ts'
import { specOf } from './testing/specs.ts'

const { PATH_ACCESS_READ: read, PATH_ACCESS_READ_WRITE: readWrite } = PathAccess
const parse = (part: Partial<AdjustSafePluginRequest>): PluginTerms =>
  parseAdjustRequest(AdjustSafePluginRequest.fromPartial(part))
const logs = { name: '/logs', path: '/srv/logs', access: 'read' } as const
const loaded = specOf({ fileSystem: [logs], rateHz: 200 })

test('a whole request becomes terms', () => {
  const request = {
    updateRateHz: 60,
    capabilities: ['Network', 'FileSystem'],
    fileSystem: [{ name: '/logs', path: '/srv/logs', access: read }],
    network: ['a.test'],
  }
  const terms = { rateHz: 60, capabilities: ['FileSystem', 'Network'], fileSystem: [logs], network: ['a.test'] }
  assert.deepEqual(parse(request), terms)
  checkTerms(parse(request), loaded)
})

for (const [what, part, message] of [
  ['a rate above the fastest', { updateRateHz: 201 }, 'update_rate_hz is 201; send 0 to 200'],
  ['a capability that no Safe plugin has', { capabilities: ['ProcessDsp'] }, /^capabilities has "ProcessDsp"; a Safe/],
  [
    'hosts without Network',
    { network: ['a.test'] },
    'network lists hosts and capabilities has no Network; send both or neither',
  ],
  ['a host that is none', { capabilities: ['Network'], network: ['a/b'] }, /^network\[0\] is "a\/b"; send a host/],
  [
    'a directory that it was not loaded with',
    { capabilities: ['FileSystem'], fileSystem: [{ name: '/logs', path: '/etc', access: read }] },
    'file_system[0] is "/logs" at "/etc", which the plugin was not loaded with; load it again',
  ],
  [
    'more access than it was loaded with',
    { capabilities: ['FileSystem'], fileSystem: [{ name: '/logs', path: '/srv/logs', access: readWrite }] },
    'file_system[0].access is read_write, and the plugin was loaded with read; send no more, or load it again',
  ],
] as const satisfies readonly (readonly [string, object, string | RegExp])[]) {
  test(`${what} is refused with a remedy`, () => {
    assert.throws(() => checkTerms(parse(part as never), loaded), {
      code: 'REQUEST_INVALID',
      detail: message,
    })
  })
}

test('a plugin says what it does not do, and at which rate', () => {
  const spec = specOf({ rateHz: 200, operations: ['TelemetryProcessor', 'LedMapper'] })
  const detail = (part: Partial<PluginTerms>): string => termsDetail(spec, { ...firstTerms(spec), ...part })
  assert.equal(detail({}), '')
  assert.equal(detail({ rateHz: 0 }), 'it is not called')
  assert.equal(
    detail({ rateHz: 100, capabilities: ['ReadTelemetry'] }),
    'it is called at 100 Hz, and its own rate is 200 Hz; LedMapper is not run: ControlLeds is not granted',
  )
})
