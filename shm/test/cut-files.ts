import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { pluginSegmentBytes } from '../../gen/layout.ts'
import { openLatest } from '../latest.ts'
import { decodePluginReport, readPluginReport } from '../plugin-report.ts'
import { createPluginSegment } from '../plugin-segment.ts'
import { openRingReader, openRingWriter } from '../ring.ts'
import { openWindow } from '../window.ts'

// cut-files DIRECTORY BYTES [worker]: opens a file of each kind, cuts each to so many bytes, uses every handle, and says in
// JSON what came of it; in a thread of its own, if asked.
const slotBytes = 4096 // a slot is a page and more into the file, so a cut may leave the counters alone

function outcomes(directory: string, bytes: number) {
  const paths = ['ring', 'latest', 'plugin'].map((name) => join(directory, name)) as [string, string, string]
  const [ringPath, latestPath, pluginPath] = paths
  const full = Buffer.alloc(slotBytes, 7)
  const writer = openRingWriter(ringPath, slotBytes, 4)
  const reader = openRingReader(ringPath, slotBytes, 4)
  const latest = openLatest(latestPath, slotBytes)
  createPluginSegment(pluginPath)
  const window = openWindow(pluginPath, pluginSegmentBytes)
  const segment = Buffer.alloc(pluginSegmentBytes)
  writer.push(full)
  latest.publish(full)
  window.copy(0, segment)
  const before = decodePluginReport(segment)?.phase ?? 'none'

  for (const path of paths) truncateSync(path, bytes)
  const codeOf = (use: () => unknown): unknown => {
    try {
      return use()
    } catch (cause) {
      return (cause as { readonly code?: unknown }).code
    }
  }
  const after = {
    read: `${latest.read(Buffer.alloc(slotBytes))}`,
    pop: codeOf(() => reader.pop(Buffer.alloc(slotBytes))),
    push: codeOf(() => writer.push(full)),
    publish: codeOf(() => latest.publish(full)) ?? 'done',
    readAfterwards: `${latest.read(Buffer.alloc(slotBytes))}`,
  }
  segment.fill(7)
  window.copy(0, segment)
  const gone = segment.subarray(bytes).every((byte) => byte === 0) ? 'zeros' : 'something'
  const report = readPluginReport(pluginPath)?.phase ?? 'none'
  const again = codeOf(() => createPluginSegment(pluginPath))
  for (const handle of [writer, reader, latest, window]) handle.close()
  return { before, ...after, gone, report, again }
}

const [directory = '', bytes = '', thread] = process.argv.slice(2)
if (isMainThread && thread === 'worker') {
  new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), workerData: 'works' })
} else if (isMainThread || workerData === 'works') console.log(JSON.stringify(outcomes(directory, Number(bytes))))
