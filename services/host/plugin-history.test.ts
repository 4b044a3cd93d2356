import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { openDatabase } from '../../state/database.ts'
import { openHistoryFile } from './history-file.ts'
import { createHistoryStore, historyMigrations } from './history-store.ts'
import { type PluginHistoryNeeds, startPluginHistory } from './plugin-history.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-history-'))
after(() => rmSync(root, { recursive: true }))
const newFile = (): string => join(mkdtempSync(join(root, 'rig-')), 'history.db')

const safe = (id: string, life: bigint, executions: bigint, part = {}): SafePlugin =>
  SafePlugin.fromPartial({
    ...{ id, life },
    statistics: { executions, cpu: { buckets: [{ upperBoundNs: 31n, count: executions }], maxNs: 31n }, ...part },
  })
const fast = (id: string, life: number, executions: bigint): FastPlugin =>
  FastPlugin.fromPartial({ id, life, statistics: { executions, cpu: { buckets: [], maxNs: 0n } } })

/** A history of the plugins a and b; `path`: of its file. */
function open(path: string, part: Partial<PluginHistoryNeeds> = {}) {
  const lines: string[] = []
  const history = startPluginHistory({
    services: { listSafe: async () => [], listFast: async () => [] },
    isServing: () => false,
    installed: () => ['a', 'b'].map((id) => ({ manifest: { id, name: id } })),
    incarnation: () => 'today',
    file: openHistoryFile(path),
    closeMs: 60_000,
    nowMs: () => 1_800_000_000_000,
    log: pino({}, { write: (line) => void lines.push(line) }),
    ...part,
  })
  const executions = async (id: string): Promise<number> => (await history.calls(id)).total.executions
  return { history, executions, lines, [Symbol.asyncDispose]: () => history.close() }
}

test('calls are counted over all lives of a plugin, and those that did not return are failures', async () => {
  await using it = open(newFile())
  it.history.observe({ safe: [safe('a', 1n, 10n, { failures: 3n, unreturned: 2n })] })
  it.history.observe({ safe: [safe('a', 1n, 15n, { failures: 3n, unreturned: 2n })] })
  it.history.observe({ safe: [safe('a', 2n, 4n)] })
  const { total, lastHour, lastDay } = await it.history.calls('a')
  assert.deepEqual([total.executions, total.failures], [21, 3])
  assert.deepEqual([lastHour.executions, lastDay.executions, total.lastMs], [21, 21, 1_800_000_000_000])
})

test('failures that a service counts before their calls are in the history with them', async () => {
  await using it = open(newFile())
  for (const executions of [0n, 0n, 3n, 10n])
    it.history.observe({ safe: [safe('a', 1n, executions, { failures: 5n })] })
  const { total } = await it.history.calls('a')
  assert.deepEqual([total.executions, total.failures], [10, 5])
})

test('the next host goes on from what was written: nothing is counted twice, and nothing of what lived on is lost', async () => {
  const path = newFile()
  await using first = open(path)
  first.history.observe({ safe: [safe('a', 1n, 10n)], fast: [fast('b', 1, 100n)] })
  await first.history.close()
  await using second = open(path)
  assert.deepEqual([await second.executions('a'), await second.executions('b')], [10, 100])
  second.history.observe({ safe: [safe('a', 2n, 1n)], fast: [fast('b', 1, 250n)] })
  assert.deepEqual([await second.executions('a'), await second.executions('b')], [11, 250])
  await second.history.close()
  // The loop's memory was made anew: its first life is another one, whatever its number and its counts.
  await using third = open(path, { incarnation: () => 'tomorrow' })
  third.history.observe({ fast: [fast('b', 1, 300n)] })
  assert.equal(await third.executions('b'), 550)
  const [sample] = await third.history.samples({ id: 'b', fromMs: 0, toMs: 2e12, after: null, limit: 9 })
  assert.deepEqual([sample?.startMs, sample?.calls.executions], [1_800_000_000_000, 250])
})

test('what a service says that cannot be is told once, and neither it nor a stranger is counted', async () => {
  await using it = open(newFile())
  it.history.observe({ safe: [safe('a', 1n, 10n), safe('stranger', 1n, 10n)] })
  for (const executions of [2n ** 63n, 2n ** 45n, 2n ** 63n]) it.history.observe({ safe: [safe('a', 1n, executions)] })
  it.history.observe({ safe: [safe('a', 1n, 2n ** 45n + 2n)] })
  assert.deepEqual([await it.executions('a'), await it.executions('stranger')], [12, 0])
  assert.equal(it.lines.filter((line) => line.includes('what cannot be')).length, 1)
})

test('of a clock that was set forward and back no call is counted in the last hour, and none is told of that is to come', async () => {
  const right = 1_800_000_000_000
  let nowMs = right
  const path = newFile()
  await using it = open(path, { nowMs: () => nowMs })
  const observe = (executions: bigint, atMs: number): Promise<unknown> => {
    nowMs = atMs
    it.history.observe({ safe: [safe('a', 1n, executions)] })
    return it.history.calls('a') // it was counted
  }
  await observe(1n, right)
  await observe(10n, right + 120 * 86_400_000)
  await observe(30n, right + 1000)
  const told = async ({ history }: typeof it) => {
    const { total, lastHour, lastDay } = await history.calls('a')
    return [total, lastHour, lastDay].map(({ executions, lastMs }) => [executions, lastMs - right])
  }
  const all = [
    [30, 1000],
    [21, 1000],
    [21, 1000],
  ]
  assert.deepEqual(await told(it), all)
  await it.history.close()
  await using next = open(path, { nowMs: () => right + 1000 })
  assert.deepEqual(await told(next), all, 'and so it is kept')
})

test('a host that starts while the clock is wrong deletes nothing of what is kept', async () => {
  const path = newFile()
  for (const [index, days] of [0, 200, 200].entries()) {
    const it = open(path, { nowMs: () => 1_800_000_000_000 + days * 86_400_000 })
    it.history.observe({ safe: [safe('a', 1n, BigInt(index + 1))] })
    await it.history.close()
  }
  await using it = open(path)
  const samples = await it.history.samples({ id: 'a', fromMs: 0, toMs: 2e12, after: null, limit: 9 })
  assert.deepEqual(
    samples.map(({ calls }) => calls.executions),
    [1, 2],
  )
})

test('services are asked what they counted before the host ends', async () => {
  const path = newFile()
  const services = { listSafe: async () => [safe('a', 1n, 7n)], listFast: async () => [fast('b', 1, 8n)] }
  const it = open(path, { services, isServing: () => true })
  await Promise.all([it.history.close(), it.history.close()])
  await using next = open(path)
  assert.deepEqual([await next.executions('a'), await next.executions('b')], [7, 8])
})

test('a service that does not answer keeps nobody from being counted', async () => {
  const gone = async () => {
    throw new RigError('SERVICE_UNAVAILABLE', 'gone')
  }
  const path = newFile()
  const services = { listSafe: gone, listFast: async () => [fast('b', 1, 8n)] }
  await open(path, { services, isServing: () => true }).history.close()
  await using next = open(path)
  assert.equal(await next.executions('b'), 8)
})

test('a file that cannot be used stays as it is, and what plugins do is counted in memory', async () => {
  const path = newFile()
  const bytes = Buffer.from('not a database, whatever its name says, and long enough for a header'.repeat(9))
  writeFileSync(path, bytes)
  await using it = open(path)
  it.history.observe({ safe: [safe('a', 1n, 10n)] })
  const { total, lastHour } = await it.history.calls('a')
  assert.deepEqual([total.executions, lastHour.executions], [10, 10])
  assert.match(it.history.warning(), /history\.db cannot be used \(file is not a database\); restore a copy of it/)
  await assert.rejects(it.history.samples({ id: 'a', fromMs: 0, toMs: 1, after: null, limit: 1 }), {
    code: 'SERVICE_UNAVAILABLE',
  })
  await it.history.close()
  assert.deepEqual(readFileSync(path), bytes)
})

const counting = fileURLToPath(new URL('../../test/processes/counts-for-ever.ts', import.meta.url))

test('a host that is killed while it writes has every call once, whenever that is', { timeout: 120_000 }, async (t) => {
  const path = newFile()
  const counter = join(root, 'counter')
  writeFileSync(counter, '0')
  let lost = 0
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, [counting, path, counter], { stdio: ['ignore', 'pipe', 2] })
    const exited = once(child, 'exit')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    await delay(Math.random() * 30)
    child.kill('SIGKILL')
    await exited
    const database = openDatabase(path, historyMigrations)
    const store = createHistoryStore(database)
    const [kept] = store.load()
    const made = Number(readFileSync(counter, 'utf8'))
    assert.ok(kept !== undefined && kept.total.executions === kept.reading.returned, 'no call twice')
    assert.equal(store.sum('a', 0, Date.now()).executions, kept.total.executions)
    assert.equal(kept.total.durations.get(100), kept.total.executions)
    lost = Math.max(lost, made - kept.total.executions)
    database.close()
  }
  assert.ok(lost <= 7, `the newest reading is all that may be missing, and ${lost} calls are`)
  t.diagnostic(`at most ${lost} calls of the newest reading were not written yet`)
})
