import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import type { Pages } from '../../rpc/scrape.ts'

/** How long a service may take to tell, ms. */
const answerMs = 2000

/** What a service tells at /metrics, over its Unix socket. Rejects with SERVICE_UNAVAILABLE. */
function scrape(socketPath: string, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/metrics', agent: false, timeout: answerMs }, (response) => {
      text(response).then(resolve, reject)
    })
    const fail = (cause?: Error): void => {
      asked.destroy()
      reject(new RigError('SERVICE_UNAVAILABLE', `${name} tells nothing; see \`wheelctl service list\``, { cause }))
    }
    asked
      .on('timeout', () => fail())
      .on('error', fail)
      .end()
  })
}

/** `/metrics/trust` and so on: for who scrapes the host and has no way to the others. */
export const servicePages =
  (home: Home, services: readonly string[]): Pages =>
  (path) => {
    const name = services.find((each) => path === `/metrics/${each}`)
    return name === undefined ? undefined : scrape(home.socket(name), name)
  }
