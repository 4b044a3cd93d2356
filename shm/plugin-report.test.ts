import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { pluginEnd, pluginReportBytes, pluginSegmentMagic, pluginReport as report, rigVersion } from '../gen/layout.ts'
import { decodePluginReport, readPluginReport } from './plugin-report.ts'
import { createPluginSegment } from './plugin-segment.ts'
import { shmDirectory } from './test/shm-directory.ts'

test('whatever a process writes over its report, what is read of it is bounded and printable', () => {
  const scribbled = fc.uint8Array({ minLength: pluginReportBytes, maxLength: pluginReportBytes })
  fc.assert(
    fc.property(scribbled, (array) => {
      const bytes = Buffer.from(array)
      bytes.writeUInt32LE(pluginSegmentMagic, report.magic.offset)
      bytes.writeUInt32LE(rigVersion, report.version.offset)
      const read = decodePluginReport(bytes)
      assert.match(read?.end.symbol ?? '', /^[ -~]{0,96}$/)
      assert.ok(read !== undefined && ['none', 'signal', 'syscall', 'timeout', 'ring'].includes(read.end.kind))
      assert.ok(['loading', 'creating', 'idle', 'processing', 'destroying'].includes(read.phase))
    }),
  )
})

test('a symbol without an end, or with a line break in it, is one line of its own length', () => {
  const bytes = Buffer.alloc(pluginReportBytes)
  bytes.writeUInt32LE(pluginSegmentMagic, report.magic.offset)
  bytes.writeUInt32LE(rigVersion, report.version.offset)
  const at = report.end.offset + pluginEnd.symbol.offset
  bytes.fill('x', at, at + pluginEnd.symbol.bytes)
  bytes.write('a\n\x1b[31m', at)
  assert.equal(decodePluginReport(bytes)?.end.symbol, 'a??[31m'.padEnd(pluginEnd.symbol.bytes, 'x'))
})

test('a segment is read as it was made, and one that was cut, is another file or is not there has no report', () => {
  using directory = shmDirectory()
  const path = directory.file('plugin-1')
  assert.equal(readPluginReport(path), undefined)
  createPluginSegment(path)
  assert.equal(readPluginReport(path)?.end.kind, 'none')
  truncateSync(path, 100)
  assert.equal(readPluginReport(path), undefined)
  writeFileSync(path, Buffer.alloc(pluginReportBytes))
  assert.equal(readPluginReport(path), undefined)
})
