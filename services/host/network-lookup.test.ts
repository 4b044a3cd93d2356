import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Address, createResolver } from './network-lookup.ts'

test('two names are looked up at once, each once, and the others in their turn', async () => {
  const asked = new Map<string, PromiseWithResolvers<readonly Address[]>>()
  const resolve = createResolver((host) => {
    const answer = Promise.withResolvers<readonly Address[]>()
    asked.set(host, answer)
    return answer.promise
  })
  const found = (address: string): readonly Address[] => [{ address, family: 4 }]
  const all = ['a', 'b', 'c', 'a', 'c'].map(resolve)
  await setImmediate()
  assert.deepEqual([...asked.keys()], ['a', 'b'])
  asked.get('a')?.resolve(found('1.1.1.1'))
  assert.deepEqual([await all[0], await all[3]], [found('1.1.1.1'), found('1.1.1.1')])
  await setImmediate()
  assert.deepEqual([...asked.keys()], ['a', 'b', 'c'])
  asked.get('b')?.reject(new Error('no'))
  asked.get('c')?.resolve(found('3.3.3.3'))
  await assert.rejects(all[1]!)
  assert.deepEqual([await all[2], await all[4]], [found('3.3.3.3'), found('3.3.3.3')])
  const again = resolve('a')
  await setImmediate()
  asked.get('a')?.resolve(found('4.4.4.4'))
  assert.deepEqual(await again, found('4.4.4.4'), 'nothing is remembered')
})

test('the system knows this machine by its name', async () => {
  const addresses = await createResolver()('localhost')
  assert.ok(addresses.some(({ address }) => address === '127.0.0.1' || address === '::1'))
})
