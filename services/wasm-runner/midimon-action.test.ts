import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallOutcome } from './call-messages.ts'
import { encodeRequest } from './midimon-action.ts'
import { actionOf, calledPlugin } from './testing/call.ts'
import { actionModule, metadataOf } from './testing/call-guests.ts'

const fault = ({ fault }: CallOutcome): string => `${fault?.kind}: ${fault?.detail}`
const execute = (body: string): string => `(func (export "execute") (param i32 i32) (result i32) ${body})`

test('a request is the JSON that every plugin of the guides takes', () => {
  const request = actionOf({ action: 'play', parameters: ['a', 'ü'] })
  const context = { ...request.context, velocity: 100, currentMode: 2, metadata: { __proto__x: 'y' } }
  assert.deepEqual(JSON.parse(Buffer.from(encodeRequest({ ...request, context })).toString()), {
    action: 'play',
    parameters: ['a', 'ü'],
    context: {
      ...{ velocity: 100, note: null, cc: null, value: null, current_mode: 2 },
      ...{ timestamp: 1_705_612_800_000, metadata: { __proto__x: 'y' } },
    },
  })
})

test('a plugin says what it is, executes an action, and its code comes back as it is', async () => {
  const plugin = await calledPlugin(actionModule(execute('(i32.sub (i32.const 0) (i32.load8_u (local.get 0)))')))
  assert.deepEqual(plugin.describe().described, { name: 'keys', version: '0.1.0', description: 'Does nothing' })
  const { code, fault, fuelUsed } = plugin.execute()
  assert.deepEqual([code, fault], [-'{'.charCodeAt(0), undefined])
  assert.ok(fuelUsed >= 5 && fuelUsed < 50, `${fuelUsed} instructions`)
})

const counting = `(global $calls (mut i32) (i32.const 0))
  ${execute('(global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)')}`

test('every execute has a fresh instance, unless the manifest says that it is stateful', async () => {
  const codes = async (stateful: boolean): Promise<readonly number[]> => {
    const plugin = await calledPlugin(actionModule(counting), { stateful })
    return [1, 2, 3].map(() => plugin.execute().code)
  }
  assert.deepEqual(await codes(false), [1, 1, 1])
  assert.deepEqual(await codes(true), [1, 2, 3])
})

test('what alloc gave, dealloc gets back, and init comes before execute', async () => {
  const books = `(global $out (mut i32) (i32.const 0)) (global $begun (mut i32) (i32.const 0))
    (data (i32.const 1024) "${metadataOf().replaceAll('"', '\\22')}")
    (func (export "init") (result i64) (global.set $begun (i32.const 50))
      (i64.or (i64.shl (i64.const 1024) (i64.const 32)) (i64.const ${metadataOf().length})))
    (func (export "alloc") (param i32) (result i32)
      (global.set $out (i32.add (global.get $out) (local.get 0))) (i32.const 8192))
    (func (export "dealloc") (param i32 i32) (global.set $out (i32.sub (global.get $out) (local.get 1)))
      (if (i32.ne (local.get 0) (i32.const 8192)) (then unreachable)))
    ${execute('(i32.add (global.get $begun) (i32.ne (global.get $out) (local.get 1)))')}`
  const plugin = await calledPlugin(actionModule(books), { stateful: true })
  assert.deepEqual(
    [1, 2].map(() => plugin.execute().code),
    [50, 50],
  )
})

test('metadata that is none is a fault with what is wrong with it', async () => {
  const faultOf = async (fields: string, metadata?: string): Promise<string> =>
    fault((await calledPlugin(actionModule(fields, metadata))).describe())
  assert.match(await faultOf('', '{"name": '), /^crash: init\(\) returned metadata that is not JSON \(.*\)$/)
  const notText = `(data (i32.const 1024) "\\22\\ff\\22")
    (func (export "init") (result i64) (i64.const ${(1024n << 32n) | 3n}))`
  assert.match(await faultOf(notText), /^crash: init\(\) returned metadata that is not JSON/)
  assert.match(await faultOf('', metadataOf({ license: undefined })), /metadata that lacks something: license: /)
  assert.match(await faultOf('', metadataOf({ type: 'other' })), /metadata that lacks something: type: .*"action"/)
  assert.match(await faultOf('', '[]'), /metadata that lacks something/)
  const init = (packed: string): string => `(func (export "init") (result i64) (i64.const ${packed}))`
  assert.equal(
    await faultOf(init('0xffffffff00000010')),
    'crash: the metadata that init() returned is at 4294967295, 16 bytes, which is not inside its memory',
  )
  assert.match(await faultOf(init('0xffffffff')), /init\(\) returned 4294967295 bytes of metadata, more than 65536$/)
  assert.match(await faultOf(init('-1')), /init\(\) returned 4294967295 bytes of metadata/)
})

test('unknown keys of the metadata are no fault', async () => {
  const plugin = await calledPlugin(actionModule('', metadataOf({ homepage: 'https://example.org', category: 'x' })))
  assert.equal(plugin.describe().fault, undefined)
})

test('traps, loops and lies are faults with their words', async () => {
  const faultOf = async (fields: string): Promise<string> => fault((await calledPlugin(actionModule(fields))).execute())
  const alloc = (body: string): string => `(func (export "alloc") (param i32) (result i32) ${body})`
  assert.match(
    await faultOf(alloc('(i32.const -8)')),
    /^crash: what alloc\(\d+\) returned is at 4294967288, \d+ bytes, which is not inside its memory$/,
  )
  assert.match(await faultOf(alloc('(i32.const 65500)')), /is at 65500, \d+ bytes, which is not inside its memory$/)
  assert.match(
    await faultOf(alloc('(i32.const 0)')),
    /^crash: alloc\(\d+\) returned 0: it has no memory for the request$/,
  )
  assert.equal(await faultOf(execute('unreachable')), 'crash: execute trapped: unreachable')
  assert.equal(
    await faultOf(execute('(i32.load (i32.const -4))')),
    'crash: execute trapped: memory access out of bounds',
  )
  assert.equal(
    await faultOf(execute('(loop $l (br $l)) (i32.const 0)')),
    'budget: execute ran out of fuel: it was given 100000000 instructions',
  )
  assert.equal(
    await faultOf('(func (export "dealloc") (param i32 i32) unreachable)'),
    'crash: dealloc trapped: unreachable',
  )
})

test('a plugin goes on after a fault', async () => {
  const sometimes = execute('(if (i32.eq (local.get 1) (i32.load (i32.const 4))) (then unreachable)) (i32.const 0)')
  const length = encodeRequest(actionOf({ action: 'x' })).length
  const plugin = await calledPlugin(actionModule(`(data (i32.const 4) "\\${length.toString(16)}\\00") ${sometimes}`), {
    stateful: true,
  })
  assert.deepEqual([plugin.execute().fault, plugin.execute({ action: 'x' }).fault?.kind], [undefined, 'crash'])
  assert.equal(plugin.execute().fault, undefined)
})

const memoryImports = ['memcpy', 'memmove', 'memset', 'memcmp', 'bcmp']
  .map((name) => `(import "env" "${name}" (func $${name} (param i32 i32 i32) (result i32)))`)
  .join('\n')

test('the memory functions that a linker left out are the host’s', async () => {
  const uses = `${memoryImports} (data (i32.const 64) "abcdefgh")
    ${execute(`
      (if (i32.ne (call $memcpy (i32.const 96) (i32.const 64) (i32.const 8)) (i32.const 96)) (then (return (i32.const 1))))
      (if (i32.ne (call $memcmp (i32.const 96) (i32.const 64) (i32.const 8)) (i32.const 0)) (then (return (i32.const 2))))
      (drop (call $memmove (i32.const 98) (i32.const 96) (i32.const 6)))
      (if (i64.ne (i64.load (i32.const 96)) (i64.const 0x6665646362616261)) (then (return (i32.const 3))))
      (if (i32.ge_s (call $memcmp (i32.const 96) (i32.const 64) (i32.const 8)) (i32.const 0)) (then (return (i32.const 4))))
      (if (i32.le_s (call $memcmp (i32.const 64) (i32.const 96) (i32.const 8)) (i32.const 0)) (then (return (i32.const 5))))
      (if (i32.eqz (call $bcmp (i32.const 64) (i32.const 96) (i32.const 8))) (then (return (i32.const 6))))
      (if (i32.ne (call $memset (i32.const 96) (i32.const 0x101) (i32.const 8)) (i32.const 96)) (then (return (i32.const 7))))
      (if (i64.ne (i64.load (i32.const 96)) (i64.const 0x0101010101010101)) (then (return (i32.const 8))))
      (call $memcmp (i32.const 0) (i32.const 0) (i32.const 0))`)}`
  const plugin = await calledPlugin(actionModule(uses))
  assert.deepEqual([plugin.execute().fault, plugin.execute().code], [undefined, 0])
})

test('a memory function that leaves the memory traps, and each byte costs an instruction', async () => {
  const calling = async (call: string) =>
    (await calledPlugin(actionModule(`${memoryImports} ${execute(call)}`))).execute()
  for (const name of ['memcpy', 'memmove', 'memset', 'memcmp', 'bcmp']) {
    const outside = await calling(`(call $${name} (i32.const 65530) (i32.const 1) (i32.const 7))`)
    assert.equal(fault(outside), 'crash: execute trapped: memory access out of bounds', name)
  }
  const from = await calling('(call $memcpy (i32.const 0) (i32.const -1) (i32.const 1))')
  assert.equal(fault(from), 'crash: execute trapped: memory access out of bounds')
  const much = await calling('(call $memset (i32.const 0) (i32.const 1) (i32.const 60000))')
  assert.ok(much.fuelUsed > 60_000 && much.fuelUsed < 60_100, `${much.fuelUsed} instructions`)
  const tooMuch = await calling(
    '(loop $l (drop (call $memset (i32.const 0) (i32.const 1) (i32.const 60000))) (br $l)) unreachable',
  )
  assert.match(fault(tooMuch), /^budget: execute ran out of fuel/)
})

test('what ends a guest ends it, though its code catches everything that a host function throws', async () => {
  const exit = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
  const write = '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
  const data = '(data (i32.const 64) "\\50\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 80) "alive\\n")'
  for (const [call, ended] of [
    ['(call $exit (i32.const 3))', /^crash: .*it ended itself with proc_exit\(3\)$/],
    ['(drop (call $memcpy (i32.const 65530) (i32.const 1) (i32.const 7)))', /^crash: .*memory access out of bounds$/],
    ['(drop (call $memset (i32.const 0) (i32.const 0) (i32.const -1)))', /^budget: execute ran out of fuel/],
  ] as const) {
    const caught = `(try (do ${call}) (catch_all))
      (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 72)))
      (i32.const 42)`
    const plugin = await calledPlugin(actionModule(`${exit} ${write} ${memoryImports} ${data} ${execute(caught)}`))
    const outcome = plugin.execute()
    assert.match(fault(outcome), ended, call)
    assert.equal(outcome.code, 0)
    assert.deepEqual(plugin.lines, [], 'and nothing more is done for it')
  }
})
