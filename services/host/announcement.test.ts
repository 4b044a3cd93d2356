import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { inTime, until } from '../../test/until.ts'
import { announceStart } from './announcement.ts'

const never = new Promise<never>(() => undefined)

/** A start that ends when the test says so; the line is due after `remainingMs`. */
function start(remainingMs: number, asked: Promise<unknown> = never) {
  const { promise: started, resolve: finish } = Promise.withResolvers<void>()
  const said: string[] = []
  const logged: string[] = []
  const known = { line: 'what is known at first' }
  const log = pino({ level: 'info' }, { write: (text: string) => void logged.push(JSON.parse(text).msg) })
  const line = async () => known.line
  const announced = announceStart({ started, asked, remainingMs, line, say: (text) => void said.push(text), log })
  return { said, logged, known, finish, announced }
}

test('the line is said when everything has started, and nothing follows it', async () => {
  const it = start(1e9)
  it.finish()
  await inTime('the line was said', it.announced)
  assert.deepEqual([it.said, it.logged], [['what is known at first'], []])
})

test('a start that takes too long is told when the line is due; the rest comes to the log', async () => {
  const it = start(1)
  await inTime('the line was said', it.announced)
  assert.deepEqual([it.said, it.logged], [['what is known at first'], []])
  it.known.line = 'everything runs'
  it.finish()
  await until('the log has it', () => it.logged.length === 1)
  assert.deepEqual([it.said.length, it.logged], [1, ['everything runs']])
})

test('a rig that is ended while it starts says nothing', async () => {
  const it = start(1e9, Promise.resolve('asked'))
  await inTime('the wait was ended', it.announced)
  assert.deepEqual([it.said, it.logged], [[], []])
})
