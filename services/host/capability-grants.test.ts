import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CapabilityWord, decideGrants, grantDigest, type Said, whatItAllows } from './capability-grants.ts'
import { type Capability, capabilities } from './manifest-schema.ts'

const asking = (network: readonly string[] = ['a.example']) => ({
  capabilities: [...capabilities],
  permissions: { fileSystem: [{ path: '/logs', access: 'read_write' as const }], network },
})
const ours = 'ab'.repeat(32)
const others = 'cd'.repeat(32)
const nobody: Said = { isNamed: false, byName: [], upTo: 'low', wordOn: () => undefined }
const wordOn = (capability: Capability, word: CapabilityWord): Said => ({
  ...nobody,
  wordOn: (each) => (each === capability ? word : undefined),
})

const granted = (said: Said, sha256: string | null = ours, network?: readonly string[]): string =>
  decideGrants(asking(network), sha256, said)
    .filter((grant) => grant.granted)
    .map(({ capability }) => capability)
    .toSorted()
    .join(' ')
const low = 'ControlLeds InterPluginComm Network ReadTelemetry'
const upToMedium = 'ControlLeds InterPluginComm ModifyTelemetry Network ProcessDsp ReadTelemetry'

test("without anybody's word a plugin has what is of low risk", () => {
  assert.equal(granted(nobody), low)
  assert.equal(granted(nobody, ours, []), 'ControlLeds InterPluginComm ReadTelemetry', 'the network without a list')
})

test('a plugin that config.yaml names, and every plugin where it says so, has what is of medium risk', () => {
  assert.equal(granted({ ...nobody, isNamed: true }), upToMedium)
  assert.equal(granted({ ...nobody, upTo: 'medium' }), upToMedium)
  assert.equal(
    granted({ ...nobody, byName: ['FileSystem'] }),
    `ControlLeds FileSystem InterPluginComm Network ReadTelemetry`,
  )
})

test('a grant is for the bytes that it was given to, and for no others', () => {
  const said = wordOn('ProcessDsp', { kind: 'granted', sha256: ours })
  assert.ok(granted(said).includes('ProcessDsp'))
  assert.ok(!granted(said, others).includes('ProcessDsp'))
  assert.equal(
    decideGrants(asking(), others, said).find(({ capability }) => capability === 'ProcessDsp')?.reason,
    'granted to other bytes',
  )
  assert.ok(granted(said, null).includes('ProcessDsp'), 'to some bytes or other')
})

test('a grant of files is for the directories that were shown, and for no others', () => {
  const withFiles = (path: string, access: 'read' | 'read_write') => ({
    capabilities: ['FileSystem' as const],
    permissions: { fileSystem: [{ path, access }], network: [] },
  })
  const shown = withFiles('/logs', 'read')
  const said = wordOn('FileSystem', { kind: 'granted', sha256: grantDigest(shown, 'FileSystem', ours) })
  const reasonOf = (asks: typeof shown, sha256 = ours) => decideGrants(asks, sha256, said)[0]?.reason
  assert.equal(reasonOf(shown), 'operator')
  for (const asks of [withFiles('/', 'read'), withFiles('/logs', 'read_write')])
    assert.equal(reasonOf(asks), 'granted to other bytes')
  assert.equal(reasonOf(shown, others), 'granted to other bytes')
})

test('what is revoked is revoked for all bytes, whatever config.yaml says', () => {
  for (const capability of capabilities) {
    const said: Said = {
      ...wordOn(capability, { kind: 'revoked' }),
      isNamed: true,
      byName: capabilities,
      upTo: 'medium',
    }
    for (const sha256 of [ours, others, null]) {
      const decided = decideGrants(asking(), sha256, said)
      assert.deepEqual(
        decided.filter((grant) => !grant.granted).map((grant) => [grant.capability, grant.reason]),
        [[capability, 'revoked']],
      )
    }
  }
})

test('a grant never exceeds the request', () => {
  const said: Said = { ...nobody, isNamed: true, byName: capabilities, upTo: 'medium' }
  const asks = { capabilities: ['ReadTelemetry' as const], permissions: { fileSystem: [], network: [] } }
  assert.deepEqual(
    decideGrants(asks, ours, said).map(({ capability }) => capability),
    ['ReadTelemetry'],
  )
})

test('the user is shown what a capability allows this plugin', () => {
  assert.equal(whatItAllows(asking(), 'FileSystem'), 'read and write /logs')
  assert.equal(whatItAllows(asking(['a.example', 'b.example:90']), 'Network'), 'reach a.example, b.example:90')
})
