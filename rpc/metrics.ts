import { status } from '@grpc/grpc-js'
/** One number of a family. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
  /** Of a histogram: which of its series. */
  readonly series?: 'bucket' | 'sum' | 'count'
}

/** Numbers of one name, as they are now. */
export interface Family {
  /** `openracing_…`, in base units: seconds, bytes, newton metres. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

/** What a service tells Prometheus of itself. */
export interface ServiceMetrics {
  /** A call has begun. Returns what is told when it is over. */
  began(path: string): (code: status) => void
  /** More that is read whenever somebody asks. */
  extend(read: () => Promise<readonly Family[]>): void
  /** The text format of Prometheus. */
  text(): Promise<string>
}

/** Bounds of how long calls take, s: those of the API are below a millisecond, installations take seconds. */
const callBounds = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10]

const nameOf = (family: Family, { series }: Sample): string =>
  series === undefined ? family.name : `${family.name}_${series}`

/** What became of the calls of a service, by method. */
function createCallCounts() {
  interface Calls {
    readonly labels: { readonly grpc_service: string; readonly grpc_method: string }
    readonly codes: Map<status, number>
    /** As many as there are bounds, and those beyond. */
    readonly buckets: number[]
    seconds: number
  }
  const methods = new Map<string, Calls>()
  function callsOf(path: string): Calls {
    const [, grpc_service = '', grpc_method = ''] = path.split('/')
    const calls = methods.get(path) ?? {
      ...{ labels: { grpc_service, grpc_method }, codes: new Map(), seconds: 0 },
      buckets: new Array<number>(callBounds.length + 1).fill(0),
    }
    methods.set(path, calls)
    return calls
  }
  return {
    count(path: string, code: status, seconds: number): void {
      const calls = callsOf(path)
      calls.codes.set(code, (calls.codes.get(code) ?? 0) + 1)
      calls.seconds += seconds
      const at = callBounds.findIndex((bound) => seconds <= bound)
      const bucket = at === -1 ? callBounds.length : at
      calls.buckets[bucket] = (calls.buckets[bucket] as number) + 1
    },
    families(): readonly Family[] {
      const all = [...methods.values()]
      return [
        {
          name: 'grpc_server_handled_total',
          help: 'Calls that have ended, by how',
          type: 'counter',
          samples: all.flatMap(({ labels, codes }) =>
            [...codes].map(([code, value]) => ({ labels: { ...labels, grpc_code: status[code] ?? 'UNKNOWN' }, value })),
          ),
        },
        {
          name: 'grpc_server_handling_seconds',
          help: 'From the beginning of a call to its end; a stream lasts as long as somebody watches',
          type: 'histogram',
          samples: all.flatMap(({ labels, buckets, seconds }) => {
            let upTo = 0
            const series = buckets.map((count, index): Sample => {
              upTo += count
              return { series: 'bucket', labels: { ...labels, le: `${callBounds[index] ?? '+Inf'}` }, value: upTo }
            })
            return [...series, { series: 'sum', labels, value: seconds }, { series: 'count', labels, value: upTo }]
          }),
        },
      ]
    },
  }
}

/** Loaded when somebody first asks: it takes a tenth of a service's start. */
const loadClient = () => import('prom-client')
type Client = Awaited<ReturnType<typeof loadClient>>

/** Families in the text format. */
function textOf({ Registry }: Client, families: readonly Family[], service: string): Promise<string> {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  for (const family of families) {
    const { name, help, type } = family
    const values = family.samples.map((sample) => ({
      ...{ metricName: nameOf(family, sample), labels: { ...sample.labels }, value: sample.value },
    }))
    const metric = { name, help, type, aggregator: 'sum' }
    registry.registerMetric({ ...metric, get: async () => ({ ...metric, values }) } as never) // all that it asks of one
  }
  return registry.metrics()
}

/** What Node says of this process. */
function processRegistry({ Registry, collectDefaultMetrics }: Client, service: string) {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  // Gauges that are named as counters are: the same is told by type without.
  for (const word of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${word}_total`)
  return registry
}

/** `service`: names the process in each of its series. */
export function createMetrics(service: string): ServiceMetrics {
  const calls = createCallCounts()
  const readers: (() => Promise<readonly Family[]>)[] = []
  let own: Promise<{ readonly client: Client; readonly registry: ReturnType<typeof processRegistry> }> | undefined
  const load = async () => {
    const client = await loadClient()
    return { client, registry: processRegistry(client, service) }
  }
  return {
    began(path) {
      const startMs = performance.now()
      return (code) => calls.count(path, code, (performance.now() - startMs) / 1000)
    },
    extend: (read) => void readers.push(read),
    async text() {
      own ??= load()
      const { client, registry } = await own
      const read = await Promise.all(readers.map((each) => each()))
      return `${await registry.metrics()}${await textOf(client, [...calls.families(), ...read.flat()], service)}`
    },
  }
}
