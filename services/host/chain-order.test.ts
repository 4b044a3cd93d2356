import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chainMax } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import {
  arrange,
  type ChainOrder,
  fastNamed,
  movedTo,
  noOrder,
  orderOf,
  runnableNamed,
  without,
} from './chain-order.ts'
import { parseManifest } from './manifest.ts'
import { isRunnable, type PlannedPlugin, type Runnable } from './plugin-plan.ts'

const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

function plugin(directory: string, index: number, pluginClass: 'Safe' | 'Fast' = 'Fast', name = `Name ${index}`) {
  const manifest = parseManifest(
    `
id: ${idOf(index)}
name: ${name}
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: ${pluginClass}
capabilities: []
operations: []
constraints: { max_execution_time_us: 100, max_memory_bytes: 65536, update_rate_hz: ${pluginClass === 'Safe' ? 60 : 1000} }
entry_points: { wasm_module: plugin.wasm, native_library: plugin.so }
`,
    'plugin.yaml',
  )
  const planned: PlannedPlugin = {
    directory,
    path: `/plugins/${directory}`,
    manifest,
    manifestFile: null,
    problem: null,
    goal: 'running',
    quarantine: null,
    wanted: true,
  }
  assert.ok(isRunnable(planned))
  return planned
}

const a = plugin('a', 1)
const b = plugin('b', 2)
const c = plugin('c', 3)
const safe = plugin('safe', 4, 'Safe')
const plan = [a, safe, b, c]

const directories = (plugins: readonly PlannedPlugin[]): string => plugins.map(({ directory }) => directory).join(' ')
const links = (order: ChainOrder, of: readonly PlannedPlugin[] = plan): string => directories(arrange(of, order).links)

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (cause) {
    assert.ok(cause instanceof RigError, String(cause))
    return cause.message
  }
  return assert.fail('was accepted')
}

test('without a word from the operator the Fast plugins are in the order of the plan', () => {
  assert.equal(links(noOrder), 'a b c')
})

test('a chain that was set is that chain, and a plugin that is installed later comes last', () => {
  const order = orderOf([a, safe, b], noOrder, [b, a])
  assert.equal(links(order), 'b a c')
  assert.equal(links(orderOf(plan, noOrder, [c, a])), 'c a')
})

test('a removed plugin stays removed, even through a time without it, until it is set again', () => {
  const order = orderOf(plan, noOrder, without([a, b, c], b))
  assert.equal(links(order), 'a c')
  assert.equal(directories(arrange(plan, order).removed), 'b')
  const meanwhile = orderOf([a, c], order, [c, a])
  assert.equal(links(meanwhile), 'c a')
  assert.equal(links(orderOf(plan, meanwhile, [a, b])), 'a b')
})

test('the loop has room for sixteen; those beyond are told so, and come in when there is room', () => {
  const many = Array.from({ length: chainMax + 2 }, (_, index) => plugin(`fast-${index}`, index))
  const { links: chain, beyond } = arrange(many, noOrder)
  assert.deepEqual([chain.length, directories(beyond)], [chainMax, 'fast-16 fast-17'])
  assert.match(
    refusal(() => orderOf(many, noOrder, many)),
    /^REQUEST_INVALID: 18 plugins are named; name at most 16/,
  )
  const [first] = many
  const fewer = orderOf(chain, noOrder, without(chain, first as Runnable))
  assert.equal(directories(arrange(many, fewer).links).split(' ').at(-1), 'fast-16')
})

test('a plugin moves to a position, in front of another or behind it', () => {
  const chain = [a, b, c]
  assert.equal(directories(movedTo(chain, a, { kind: 'position', position: 3 })), 'b c a')
  assert.equal(directories(movedTo(chain, c, { kind: 'position', position: 1 })), 'c a b')
  assert.equal(directories(movedTo(chain, c, { kind: 'before', neighbour: b })), 'a c b')
  assert.equal(directories(movedTo(chain, a, { kind: 'after', neighbour: b })), 'b a c')
})

test('whatever is moved, the chain has the same plugins, and the moved one is where it was to be', () => {
  const many = Array.from({ length: 8 }, (_, index) => plugin(`fast-${index}`, index))
  const index = fc.integer({ min: 0, max: 7 })
  fc.assert(
    fc.property(index, index, (from, to) => {
      const moved = movedTo(many, many[from] as Runnable, { kind: 'position', position: to + 1 })
      assert.equal(moved[to], many[from])
      assert.deepEqual(new Set(moved), new Set(many))
      const rest = (chain: readonly Runnable[]) => chain.filter((each) => each !== many[from])
      assert.deepEqual(rest(moved), rest(many))
    }),
  )
})

test('what cannot be done is refused in one sentence', () => {
  const position = (at: number) => refusal(() => movedTo([a, b], a, { kind: 'position', position: at }))
  assert.match(position(0), /^REQUEST_INVALID: position is 0; write a position from 1 to 2/)
  assert.match(position(3), /position is 3/)
  assert.match(
    refusal(() => movedTo([a, b], a, { kind: 'after', neighbour: a })),
    /a cannot go after itself/,
  )
  assert.match(
    refusal(() => movedTo([a, b], a, { kind: 'after', neighbour: c })),
    /c is not in the chain/,
  )
  assert.match(
    refusal(() => movedTo([a, b], c, { kind: 'position', position: 1 })),
    /c is not in the chain/,
  )
  assert.match(
    refusal(() => without([a], b)),
    /^REQUEST_INVALID: b is not in the chain; `wheelctl chain set`/,
  )
  assert.match(
    refusal(() => orderOf(plan, noOrder, [a, b, a])),
    /^REQUEST_INVALID: a is named twice/,
  )
})

test('a plugin is named by its directory, its id in any case, or its name where only one has it', () => {
  const upper = plugin('upper', 10, 'Fast', 'Twin')
  const all = [...plan, upper, plugin('lower', 11, 'Fast', 'Twin')]
  for (const name of ['b', idOf(2), idOf(2).toUpperCase(), 'Name 2']) assert.equal(runnableNamed(all, name), b)
  assert.match(
    refusal(() => fastNamed(all, 'Twin')),
    /^REQUEST_INVALID: several plugins .* one of upper, lower$/,
  )
  assert.match(
    refusal(() => fastNamed(all, 'ghost')),
    /^PLUGIN_UNKNOWN: no installed plugin has .*"ghost"; .*plugin list/,
  )
  assert.match(
    refusal(() => fastNamed(all, 'safe')),
    /^REQUEST_INVALID: safe is a Safe plugin/,
  )
  assert.match(
    refusal(() => fastNamed([{ ...a, wanted: false }], 'a')),
    /a is not enabled; `wheelctl plugin enable a`/,
  )
  const broken: PlannedPlugin = { ...a, manifest: null, problem: 'MANIFEST_INVALID: class is Turbo' }
  assert.match(
    refusal(() => runnableNamed([broken], 'a')),
    /a cannot run \(MANIFEST_INVALID: .*\); .*chain reload a/,
  )
  assert.equal(fastNamed([broken], 'a'), broken)
})
