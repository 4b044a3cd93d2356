import type { CarryRequestsRequest, CarryRequestsResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { HttpAnswer } from '../../network/answer.ts'
import { networkLimits } from '../../network/limits.ts'
import { createOutbox, type Outbox } from '../../rpc/outbox.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'

/** Messages that wait for the stream: requests are bounded by their number, datagrams and withdrawals by this. */
const outboxMax = 256
const numberMax = 0xffff_ffff

/** One load of a plugin, for what it asks of the network. */
export interface DeskSeat {
  /** It asks from the thread that `answer` leads to. */
  heard(word: NetworkWord, answer: (news: NetworkNews) => void): void
  /** The instance that asked is gone, with its thread perhaps: everything is withdrawn. Repeats safely. */
  withdrawAll(): void
}

/** Where what all plugins ask of the network comes together. This process has none: the host carries it. */
export interface NetworkDesk {
  /** See NetworkGrant: 1 while there is a carrier, and fewer requests under way than there may be. */
  readonly room: SharedArrayBuffer
  open(pluginId: string): DeskSeat
  /** One carrier's stream, until it ends or another one takes its place: then what is under way has failed. */
  carry(
    answers: AsyncIterable<CarryRequestsRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<CarryRequestsResponse, void, undefined>
}

interface UnderWay {
  readonly seat: DeskSeat
  /** On the thread that asked. */
  readonly number: number
  answer(news: NetworkNews): void
}

const lost: HttpAnswer = { kind: 'failed', detail: 'nothing is carried to the network now' }

function answerOf({ outcome }: CarryRequestsRequest): HttpAnswer {
  switch (outcome?.$case) {
    case 'response': {
      const { status, headers, body } = outcome.value
      const pairs = headers.map(({ name, value }) => [name, value] as const)
      // A copy: what arrived may be a piece of something larger, and crosses to another thread whole.
      return { kind: 'response', status, headers: pairs, body: new Uint8Array(body) }
    }
    case 'failed':
    case 'refused':
      return { kind: outcome.$case, detail: outcome.value }
    case undefined:
      return { kind: 'failed', detail: 'the host says nothing of how it went' }
  }
}

export function createNetworkDesk(): NetworkDesk {
  const room = new SharedArrayBuffer(4)
  const word = new Int32Array(room)
  const underWay = new Map<number, UnderWay>()
  let outbox: Outbox<CarryRequestsResponse> | undefined
  let last = 0

  const publish = (): void =>
    void Atomics.store(word, 0, outbox !== undefined && underWay.size < networkLimits.requestsOfAll ? 1 : 0)

  const settle = (number: number, answer: HttpAnswer): void => {
    const asked = underWay.get(number)
    underWay.delete(number)
    publish()
    asked?.answer({ number: asked.number, answer })
  }

  const nextNumber = (): number => {
    do last = last === numberMax ? 1 : last + 1
    while (underWay.has(last))
    return last
  }

  function ask(
    pluginId: string,
    asked: UnderWay,
    { method, url, headers, body }: Extract<NetworkWord, { kind: 'ask' }>,
  ) {
    const number = nextNumber()
    const isFull = underWay.size >= networkLimits.requestsOfAll
    const value = { method, url, headers: headers.map(([name, value]) => ({ name, value })), body: Buffer.from(body) }
    const isSent = !isFull && outbox?.put({ number, pluginId, wish: { $case: 'http', value } }) === true
    if (!isSent) {
      const detail = `${underWay.size} requests of all plugins are under way; ask again`
      asked.answer({ number: asked.number, answer: isFull ? { kind: 'failed', detail } : lost })
      return
    }
    underWay.set(number, asked)
    publish()
  }

  function withdraw(pluginId: string, isMeant: (asked: UnderWay) => boolean): void {
    for (const [number, asked] of underWay) {
      if (!isMeant(asked)) continue
      underWay.delete(number)
      outbox?.put({ number, pluginId, wish: { $case: 'withdrawal', value: {} } })
    }
    publish()
  }

  const leave = (mine: Outbox<CarryRequestsResponse>): void => {
    if (outbox !== mine) return
    outbox = undefined
    mine.close()
    for (const number of [...underWay.keys()]) settle(number, lost)
    publish()
  }

  return {
    room,
    open(pluginId) {
      const seat: DeskSeat = {
        heard(said, answer) {
          switch (said.kind) {
            case 'ask':
              ask(pluginId, { seat, number: said.number, answer }, said)
              break
            case 'withdraw':
              withdraw(pluginId, (asked) => asked.seat === seat && asked.number === said.number)
              break
            case 'datagram': {
              const value = { to: said.to, payload: Buffer.from(said.payload) }
              outbox?.put({ number: 0, pluginId, wish: { $case: 'datagram', value } })
            }
          }
        },
        withdrawAll: () => withdraw(pluginId, (asked) => asked.seat === seat),
      }
      return seat
    },

    async *carry(answers, signal) {
      const mine = createOutbox<CarryRequestsResponse>(outboxMax)
      if (outbox !== undefined) leave(outbox)
      outbox = mine
      publish()
      const end = (): void => leave(mine)
      signal.addEventListener('abort', end)
      const take = async (): Promise<void> => {
        for await (const message of answers) if (outbox === mine) settle(message.number, answerOf(message))
      }
      void take().then(end, end)
      try {
        yield* mine
      } finally {
        end()
      }
    },
  }
}
