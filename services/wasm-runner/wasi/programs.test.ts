import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildWasiProgram, noWasiCompiler } from '../../../test/wasi-program.ts'
import { readModuleShape } from '../module-shape.ts'
import { grantedTree, secret } from '../testing/granted-tree.ts'
import { grant } from '../testing/raw-wasi.ts'
import { nothingGranted, type WasiGrants } from './grants.ts'
import { GuestExit } from './process-calls.ts'
import { wasiModule, wasiSignatures } from './signatures.ts'
import { createWasi } from './wasi.ts'

// What a C library makes of all this.
const skip = noWasiCompiler

/** Runs a program to its end. */
function run(name: string, grants: Partial<WasiGrants> = {}): { readonly exitCode: number; readonly lines: string[] } {
  const lines: string[] = []
  let instance: WebAssembly.Instance | undefined
  const wasi = createWasi(
    { ...nothingGranted, ...grants },
    {
      memory: () => instance?.exports.memory as WebAssembly.Memory | undefined,
      pay: () => true,
      end(cause) {
        throw cause
      },
      writeLine: (level, line) => lines.push(`${level} ${Buffer.from(line)}`),
      realtimeNs: () => 0n,
      monotonicNs: () => 0n,
    },
  )
  instance = new WebAssembly.Instance(new WebAssembly.Module(buildWasiProgram(name)), { [wasiModule]: wasi.imports })
  try {
    ;(instance.exports._start as () => void)()
    return { exitCode: 0, lines }
  } catch (cause) {
    if (!(cause instanceof GuestExit)) throw cause
    return { exitCode: cause.exitCode, lines }
  } finally {
    wasi.close()
  }
}

test('each function has the signature that the C library calls it by', { skip }, () => {
  const { imports } = readModuleShape(buildWasiProgram('imports-everything'))
  const found = imports.map(({ name, signature }) => [name, signature] as const)
  const { proc_raise: _, ...signatures } = wasiSignatures // not in the library's header any more
  assert.deepEqual(Object.fromEntries(found), signatures)
  assert.deepEqual([...new Set(imports.map(({ module }) => module))], [wasiModule])
})

test('a program uses files as it is used to', { skip }, () => {
  using tree = grantedTree()
  assert.deepEqual(run('uses-files', grant(tree.path, 'read_write')), {
    exitCode: 0,
    lines: ['info every step went well'],
  })
  assert.equal(readFileSync(join(tree.path, 'log'), 'utf8'), 'one two')
})

test('a program without a grant finds no file', { skip }, () => {
  const { exitCode, lines } = run('uses-files')
  assert.equal(exitCode, 1)
  assert.match(lines.join(), /^warn step 1: /)
})

test('a program that may read does that, and nothing else', { skip }, () => {
  using tree = grantedTree()
  const before = readdirSync(tree.path).sort()
  assert.deepEqual(run('reads-only', grant(tree.path, 'read')), {
    exitCode: 0,
    lines: ['info read: hello from a file'],
  })
  assert.deepEqual(readdirSync(tree.path).sort(), before)
  assert.equal(readFileSync(join(tree.path, 'hello.txt'), 'utf8'), 'hello from a file\n')
})

test('a program that wants out stays in', { skip }, () => {
  using tree = grantedTree()
  assert.deepEqual(run('breaks-out', grant(tree.path, 'read_write')), { exitCode: 0, lines: [] })
  assert.deepEqual(readdirSync(tree.outside), ['secret'])
  assert.equal(readFileSync(join(tree.outside, 'secret'), 'utf8'), secret)
  assert.ok(!existsSync(join(tree.path, '..', 'hello.txt')))
})

test('a program ends with its code, sleeps no hour before that, and its last words are heard', { skip }, () => {
  assert.deepEqual(run('exits'), { exitCode: 7, lines: ['info somebody ends'] })
  const grants = { arguments: ['exits', '300'], environment: { NAME: 'it' } }
  assert.deepEqual(run('exits', grants), { exitCode: 300, lines: ['info it ends'] })
})
