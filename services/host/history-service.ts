import type { Logger } from 'pino'
import {
  type CallStatistics,
  type GetPluginStatisticsResponse,
  type ListPluginHistoryRequest,
  type ListPluginHistoryResponse,
  type PluginHistoryServiceServer,
  PluginHistoryServiceService,
} from '../../gen/proto/openracing/v1/history.ts'
import { invalidField } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { unary } from '../../rpc/unary.ts'
import { type CallCounts, summaryOf } from './call-counts.ts'
import type { Sample, SampleQuery } from './history-store.ts'
import { manifestNamed, type Nameable } from './named-plugin.ts'
import type { PluginHistory } from './plugin-history.ts'

const pageDefault = 100
const pageMax = 1000

export interface HistoryServiceNeeds {
  readonly history: Pick<PluginHistory, 'calls' | 'samples' | 'warning'>
  readonly installed: () => readonly Nameable[]
}

function toMessage(counts: CallCounts): CallStatistics {
  const { executions, failures, lastMs, ...shares } = summaryOf(counts)
  return {
    ...shares,
    executions: BigInt(executions),
    failures: BigInt(failures),
    lastTimeUnixMs: BigInt(lastMs),
  }
}

const sampleMessage = ({ startMs, lengthMs, calls }: Sample) => ({
  ...{ startUnixMs: BigInt(startMs), lengthMs },
  calls: toMessage(calls),
})

/** Longest time that JavaScript and SQLite both know exactly, ms since 1970. */
const timeMax = BigInt(Number.MAX_SAFE_INTEGER)

function timeOf(field: string, time: bigint): number {
  if (time <= timeMax) return Number(time)
  throw invalidField(field, `is ${time}; give at most ${timeMax} ms since 1970`)
}

function afterOf(token: string): SampleQuery['after'] {
  if (token === '') return null
  const [, startMs, lengthMs] = /^([0-9]{1,15})\.([0-9]{1,9})$/.exec(token) ?? []
  if (startMs !== undefined) return { startMs: Number(startMs), lengthMs: Number(lengthMs) }
  throw invalidField('page_token', `is ${JSON.stringify(token.slice(0, 60))}; give that of the answer before`)
}

function queryOf(id: string, request: ListPluginHistoryRequest): SampleQuery {
  const limit = request.pageSize || pageDefault
  if (limit > pageMax) throw invalidField('page_size', `is ${limit}; the most is ${pageMax}`)
  const [fromMs, toMs] = [timeOf('from_unix_ms', request.fromUnixMs), timeOf('to_unix_ms', request.toUnixMs || timeMax)]
  if (fromMs > toMs)
    throw invalidField('from_unix_ms', `is ${fromMs}, after to_unix_ms, which is ${toMs}; exchange them`)
  return { id, fromMs, toMs, after: afterOf(request.pageToken), limit }
}

async function list(
  { history, installed }: HistoryServiceNeeds,
  request: ListPluginHistoryRequest,
): Promise<ListPluginHistoryResponse> {
  const query = queryOf('', request)
  const { id } = manifestNamed(installed(), request.plugin)
  const found = await history.samples({ ...query, id, limit: query.limit + 1 }) // one more says whether there are more
  const samples = found.slice(0, query.limit)
  const last = found.length > query.limit ? samples.at(-1) : undefined
  return {
    samples: samples.map(sampleMessage),
    nextPageToken: last === undefined ? '' : `${last.startMs}.${last.lengthMs}`,
  }
}

async function statistics(
  { history, installed }: HistoryServiceNeeds,
  plugin: string,
): Promise<GetPluginStatisticsResponse> {
  const { id: pluginId, name } = manifestNamed(installed(), plugin)
  const { total, lastHour, lastDay } = await history.calls(pluginId)
  const parts = { total: toMessage(total), lastHour: toMessage(lastHour), lastDay: toMessage(lastDay) }
  return { pluginId, name, ...parts, warning: history.warning() }
}

/** PluginHistoryService over the history of the plugins. */
export function historyService(needs: HistoryServiceNeeds, log: Logger): ServiceBinding {
  const implementation: PluginHistoryServiceServer = {
    getPluginStatistics: unary(({ plugin }) => statistics(needs, plugin), log),
    listPluginHistory: unary((request) => list(needs, request), log),
  }
  return bind(PluginHistoryServiceService, implementation)
}
