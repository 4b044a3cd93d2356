import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import {
  type GetPluginStatisticsResponse,
  type ListPluginHistoryRequest,
  type ListPluginHistoryResponse,
  PluginHistoryServiceClient,
  type PluginHistoryServiceServer,
  PluginHistoryServiceService,
} from '../../gen/proto/openracing/v1/history.ts'
import { call, within } from '../../rpc/client.ts'
import { serveOnSocket } from '../../rpc/testing/on-socket.ts'
import { openDatabase } from '../../state/database.ts'
import { type CallCounts, noCalls } from './call-counts.ts'
import { historyService } from './history-service.ts'
import { createHistoryStore, historyMigrations, minuteMs } from './history-store.ts'

const calls: CallCounts = {
  ...{ executions: 4, failures: 1, cpuNs: 40_000, maxNs: 20_000, lastMs: 9 },
  durations: new Map([[100, 4]]),
}

/** The service over a history of one plugin with five minutes of calls. */
async function serve() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-history-service-'))
  const store = createHistoryStore(openDatabase(':memory:', historyMigrations))
  const minutes = new Map(Array.from({ length: 5 }, (_, index) => [index * minuteMs, calls]))
  const reading = { life: '1', returned: 20, unreturned: 0, failures: 5, maxNs: 9, atMs: 0, durations: new Map() }
  store.write([{ id: 'one', reading, minutes }], 0)
  const { implementation } = historyService(
    {
      history: {
        calls: async () => ({ total: calls, lastHour: noCalls, lastDay: calls }),
        samples: async (query) => store.list(query),
        warning: () => 'the disk is full',
      },
      installed: () => [{ manifest: { id: 'one', name: 'first' }, directory: 'first-1.0', problem: null }],
    },
    pino({ level: 'silent' }),
  )
  const { client, close } = await serveOnSocket(
    join(root, 'host.sock'),
    PluginHistoryServiceService,
    implementation as PluginHistoryServiceServer,
    PluginHistoryServiceClient,
  )
  const list = (part: Partial<ListPluginHistoryRequest>) =>
    call<ListPluginHistoryResponse>((done) =>
      client.listPluginHistory(
        { plugin: 'first', fromUnixMs: 0n, toUnixMs: 0n, pageSize: 0, pageToken: '', ...part },
        ...within(5000),
        done,
      ),
    )
  return {
    client,
    list,
    async [Symbol.asyncDispose]() {
      await close()
      rmSync(root, { recursive: true })
    },
  }
}

test('the calls of a plugin are told with their shares and times, and why they may not outlive the rig', async () => {
  await using it = await serve()
  const told = await call<GetPluginStatisticsResponse>((done) =>
    it.client.getPluginStatistics({ plugin: 'first' }, ...within(5000), done),
  )
  const { total } = told
  assert.deepEqual([told.pluginId, told.name, told.warning], ['one', 'first', 'the disk is full'])
  assert.deepEqual([total?.executions, total?.failures, total?.successRate, total?.meanUs], [4n, 1n, 0.75, 10])
  assert.deepEqual([total?.maxUs, total?.lastTimeUnixMs, told.lastHour?.successRate], [20, 9n, 0])
})

test('samples come in pages, from a time and up to one', async () => {
  await using it = await serve()
  const starts: bigint[] = []
  let pageToken = ''
  do {
    const page = await it.list({ pageSize: 2, pageToken })
    starts.push(...page.samples.map(({ startUnixMs }) => startUnixMs / 60_000n))
    pageToken = page.nextPageToken
  } while (pageToken !== '')
  assert.deepEqual(starts, [0n, 1n, 2n, 3n, 4n])
  const { samples } = await it.list({ fromUnixMs: 60_000n, toUnixMs: 180_000n })
  assert.deepEqual(
    samples.map(({ startUnixMs, lengthMs, calls }) => [startUnixMs, lengthMs, calls?.executions]),
    [
      [60_000n, 60_000, 4n],
      [120_000n, 60_000, 4n],
    ],
  )
})

test('a request that cannot be meant is refused in one sentence', async () => {
  await using it = await serve()
  const refused: readonly (readonly [Partial<ListPluginHistoryRequest>, RegExp])[] = [
    [{ pageSize: 1001 }, /page_size is 1001; the most is 1000/],
    [{ pageToken: '1; DROP' }, /page_token is "1; DROP"; give that of the answer before/],
    [{ fromUnixMs: 2n ** 63n }, /from_unix_ms is 9223372036854775808; give at most 9007199254740991 ms/],
    [{ fromUnixMs: 9n, toUnixMs: 8n }, /from_unix_ms is 9, after to_unix_ms, which is 8/],
  ]
  for (const [part, message] of refused) await assert.rejects(it.list(part), { code: 'REQUEST_INVALID', message })
  await assert.rejects(it.list({ plugin: 'other' }), { code: 'PLUGIN_UNKNOWN' })
})
