import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { grantedTree } from '../testing/granted-tree.ts'
import { allRights, grant, memoryBytes, type Parameter, type RawWasi, rawWasi } from '../testing/raw-wasi.ts'
import { GuestExit } from './process-calls.ts'
import { type WasiFunction, wasiSignatures } from './signatures.ts'

const functions = Object.keys(wasiSignatures) as WasiFunction[]
const [text, list, result, record] = [1024, 2048, 8, 4096]
const [directory, file] = [3, 4]

/** A call of each function that takes a pointer, all of it right, and which parameters are the pointers. */
const rightCalls: Partial<Record<WasiFunction, readonly [readonly Parameter[], readonly number[]]>> = {
  args_get: [
    [record, text],
    [0, 1],
  ],
  args_sizes_get: [
    [result, record],
    [0, 1],
  ],
  environ_get: [
    [record, text],
    [0, 1],
  ],
  environ_sizes_get: [
    [result, record],
    [0, 1],
  ],
  clock_res_get: [[0, result], [1]],
  clock_time_get: [[1, 0n, result], [2]],
  fd_fdstat_get: [[file, record], [1]],
  fd_filestat_get: [[file, record], [1]],
  fd_pread: [
    [file, list, 1, 0n, result],
    [1, 4],
  ],
  fd_prestat_get: [[directory, result], [1]],
  fd_prestat_dir_name: [[directory, text, 8], [1]],
  fd_pwrite: [
    [file, list, 1, 0n, result],
    [1, 4],
  ],
  fd_read: [
    [file, list, 1, result],
    [1, 3],
  ],
  fd_readdir: [
    [directory, record, 64, 0n, result],
    [1, 4],
  ],
  fd_seek: [[file, 0n, 0, result], [3]],
  fd_tell: [[file, result], [1]],
  fd_write: [
    [file, list, 1, result],
    [1, 3],
  ],
  path_create_directory: [[directory, text, 4], [1]],
  path_filestat_get: [
    [directory, 0, text, 4, record],
    [2, 4],
  ],
  path_filestat_set_times: [[directory, 0, text, 4, 0n, 0n, 0], [2]],
  path_link: [
    [directory, 0, text, 4, directory, text, 4],
    [2, 5],
  ],
  path_open: [
    [directory, 0, text, 4, 0, 2n, 0n, 0, result],
    [2, 8],
  ],
  path_readlink: [
    [directory, text, 4, record, 64, result],
    [1, 3, 5],
  ],
  path_remove_directory: [[directory, text, 4], [1]],
  path_rename: [
    [directory, text, 4, directory, text, 4],
    [1, 4],
  ],
  path_symlink: [
    [text, 4, directory, text, 4],
    [0, 3],
  ],
  path_unlink_file: [[directory, text, 4], [1]],
  poll_oneoff: [
    [record, 8192, 1, result],
    [0, 1, 3],
  ],
  random_get: [[record, 64], [0]],
}

/** A guest with a directory as 3, a file in it as 4, and something to read at every pointer. */
function opened(path: string): RawWasi {
  const raw = rawWasi({ grants: { ...grant(path, 'read_write'), arguments: ['one'], environment: { A: 'b' } } })
  assert.equal(raw.open('hello.txt', { rights: allRights, oflags: 1 }), file)
  raw.memory.write('name', text)
  raw.memory.writeUInt32LE(record, list)
  raw.memory.writeUInt32LE(16, list + 4)
  return raw
}

test('there are all 46 functions of preview 1, and no more', () => {
  using raw = rawWasi()
  assert.equal(functions.length, 46)
  for (const name of functions) {
    const parameters = wasiSignatures[name].match(/i(32|64)(?=.*->)/g)?.map((type) => (type === 'i32' ? 0 : 0n)) ?? []
    if (name !== 'proc_exit') assert.match(raw.call(name, ...parameters), /^[A-Z]+$/, name)
  }
})

for (const name of functions.filter((each) => rightCalls[each] !== undefined)) {
  const [parameters, pointers] = rightCalls[name]!
  test(`${name} answers FAULT for every pointer that leaves the guest's memory`, () => {
    using tree = grantedTree()
    for (const position of pointers) {
      for (const hostile of [memoryBytes - 1, memoryBytes, 0x7fff_ffff, -0x8000_0000, -1, -8]) {
        using raw = opened(tree.path)
        const hostileCall = parameters.map((right, index) => (index === position ? hostile : right))
        // What begins on the last byte is outside for all but lists of one byte.
        assert.equal(raw.call(name, ...hostileCall), 'FAULT', `${hostileCall}`)
      }
    }
  })
}

test('lengths and counts are unsigned, do not wrap around, and are bounded', () => {
  using tree = grantedTree()
  using raw = opened(tree.path)
  for (const count of [-1, 0x2000_0000, 0x1fff_ffff, 8193]) {
    for (const name of ['fd_read', 'fd_write'] as const)
      assert.equal(raw.call(name, file, list, count, result), 'FAULT')
    for (const name of ['fd_pread', 'fd_pwrite'] as const) {
      assert.equal(raw.call(name, file, list, count, 0n, result), 'FAULT')
    }
  }
  for (const length of [-1, -0x8000_0000, memoryBytes]) {
    assert.equal(raw.call('path_create_directory', directory, text, length), 'FAULT')
    assert.equal(raw.call('random_get', text, length), 'FAULT')
    assert.equal(raw.call('fd_readdir', directory, text, length, 0n, result), 'FAULT')
    assert.equal(raw.call('path_readlink', directory, text, 4, text, length, result), 'FAULT')
    assert.equal(raw.call('fd_prestat_dir_name', directory, text, length), 'FAULT')
    raw.memory.writeUInt32LE(length >>> 0, list + 4)
    assert.equal(raw.call('fd_read', file, list, 1, result), 'FAULT')
    assert.equal(raw.call('fd_write', 1, list, 1, result), 'FAULT')
  }
  for (const count of [-1, 129, 0x0555_5556]) {
    assert.equal(raw.call('poll_oneoff', record, 8192, count, result), 'INVAL')
  }
  assert.equal(raw.call('path_create_directory', directory, text, 1025), 'NAMETOOLONG')
})

test('a vector of many of which one is outside is refused before a byte is moved', () => {
  using tree = grantedTree()
  using raw = opened(tree.path)
  raw.memory.writeUInt32LE(0xffff_fff0, list + 8)
  raw.memory.writeUInt32LE(0x20, list + 12)
  assert.equal(raw.call('fd_read', file, list, 2, result), 'FAULT')
  assert.equal(raw.call('fd_tell', file, result), 'SUCCESS')
  assert.equal(raw.u64(), 0n)
})

test('a descriptor that is not open is BADF for every function that takes one', () => {
  using tree = grantedTree()
  for (const fd of [99, -1, 0x7fff_ffff]) {
    for (const name of functions.filter((each) => /^(fd|path|sock)_/.test(each))) {
      using raw = opened(tree.path)
      const [right] = rightCalls[name] ?? [
        [...(wasiSignatures[name].match(/i(32|64)(?=.*->)/g) ?? [])].map((type) => (type === 'i32' ? 0 : 0n)),
      ]
      const position = name === 'path_symlink' ? 2 : 0
      assert.equal(raw.call(name, ...right.map((each, index) => (index === position ? fd : each))), 'BADF', name)
    }
  }
})

const hostileNumber = fc.oneof(
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 1024, 2048, memoryBytes - 1, memoryBytes, -1, -8, 0x2000_0000, -0x8000_0000),
)
const hostileBig = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 1n, -1n, 4096n))

test('no call with whatever numbers throws, but proc_exit; and descriptors stay what they are', () => {
  using tree = grantedTree()
  const calls = functions.filter((name) => name !== 'proc_exit')
  const property = fc.property(
    fc.constantFrom(...calls),
    fc.infiniteStream(hostileNumber),
    fc.infiniteStream(hostileBig),
    (name, numbers, bigs) => {
      using raw = opened(tree.path)
      const types = wasiSignatures[name].match(/i(32|64)(?=.*->)/g) ?? []
      const parameters = types.map((type) => (type === 'i32' ? numbers.next().value : bigs.next().value)) as Parameter[]
      assert.match(raw.call(name, ...parameters), /^[A-Z0-9]+$/)
    },
  )
  fc.assert(property, { numRuns: 5000, seed: 46 })
})

test('proc_exit ends the instance, with its code', () => {
  using raw = rawWasi()
  for (const [code, exitCode] of [
    [0, 0],
    [3, 3],
    [-1, 0xffff_ffff],
  ] as const) {
    assert.throws(
      () => raw.call('proc_exit', code),
      (cause) => cause instanceof GuestExit && cause.exitCode === exitCode,
    )
  }
})

test('a guest that has no fuel left has nothing done for it', () => {
  using tree = grantedTree()
  using raw = rawWasi({ grants: grant(tree.path, 'read_write'), pay: () => false })
  assert.equal(raw.call('path_create_directory', directory, ...raw.put('made')), 'AGAIN')
  assert.equal(raw.call('fd_close', directory), 'AGAIN')
})

test('arguments and environment are what was configured, and empty otherwise', () => {
  using none = rawWasi()
  assert.equal(none.call('args_sizes_get', result, record), 'SUCCESS')
  assert.deepEqual([none.u32(), none.memory.readUInt32LE(record)], [0, 0])
  using raw = rawWasi({ grants: { arguments: ['a', 'bc'], environment: { NAME: 'value', ÄÖ: '' } } })
  assert.equal(raw.call('args_sizes_get', result, record), 'SUCCESS')
  assert.deepEqual([raw.u32(), raw.memory.readUInt32LE(record)], [2, 5])
  assert.equal(raw.call('args_get', record, text), 'SUCCESS')
  assert.equal(raw.memory.toString('latin1', text, text + 5), 'a\0bc\0')
  assert.deepEqual([raw.memory.readUInt32LE(record), raw.memory.readUInt32LE(record + 4)], [text, text + 2])
  assert.equal(raw.call('environ_get', record, text), 'SUCCESS')
  assert.equal(raw.memory.toString('utf8', text, text + 17), 'NAME=value\0ÄÖ=\0')
})

test('sockets and signals are refused', () => {
  using raw = rawWasi()
  assert.equal(raw.call('sock_send', 1, 0, 0, 0, 0), 'NOTSOCK')
  assert.equal(raw.call('sock_accept', 9, 0, 0), 'BADF')
  assert.equal(raw.call('proc_raise', 9), 'NOTSUP')
  assert.equal(raw.call('sched_yield'), 'SUCCESS')
})
