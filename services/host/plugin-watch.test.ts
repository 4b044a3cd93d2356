import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../test/until.ts'
import { footprintOf } from './plugin-footprint.ts'
import { watchPlugins } from './plugin-watch.ts'

/** Far beyond what any test takes: nothing is seen but what the kernel tells. */
const never = 1_000_000

function watched(
  before: readonly string[] = [],
  { quietMs = 100, sweepEveryMs = never, artefact = 'build/plugin.so' } = {},
) {
  const pluginDir = mkdtempSync(join(tmpdir(), 'openracing-watch-'))
  const at = (...path: readonly string[]): string => join(pluginDir, ...path)
  for (const name of before) mkdirSync(at(name, 'build'), { recursive: true })
  const seen: string[] = []
  const watch = watchPlugins({
    pluginDir,
    ...{ quietMs, sweepEveryMs },
    artefactOf: () => artefact,
    seen: (directory) => void seen.push(directory),
  })
  return {
    at,
    seen,
    /** Resolves once a directory was seen so often. */
    times: (directory: string, count: number) =>
      until(`${directory} is seen ${count} times`, () => seen.filter((each) => each === directory).length >= count),
    [Symbol.dispose]() {
      watch.close()
      watch.close()
      rmSync(pluginDir, { recursive: true, force: true })
    },
  }
}

test('what is made, changed, moved away and removed is seen, each time once it is quiet', async () => {
  using it = watched(['there'])
  mkdirSync(it.at('new'))
  writeFileSync(it.at('new', 'plugin.yaml'), 'a')
  await it.times('new', 1)
  writeFileSync(it.at('there', 'config.json'), '{}')
  await it.times('there', 1)
  writeFileSync(it.at('there', 'build', 'plugin.so'), 'elf')
  await it.times('there', 2)
  renameSync(it.at('new'), it.at('.old'))
  await it.times('new', 2)
  rmSync(it.at('there'), { recursive: true })
  await it.times('there', 3)
  assert.deepEqual(new Set(it.seen), new Set(['new', 'there']))
})

test('a directory in which something goes on is left alone until nothing does', async () => {
  using it = watched(['busy'], { quietMs: 1500 }) // longer than a busy machine makes of 100 ms
  for (let piece = 0; piece < 20; piece++) {
    writeFileSync(it.at('busy', 'plugin.so'), 'x'.repeat(piece + 1))
    await delay(100)
    assert.deepEqual(it.seen, [])
  }
  await it.times('busy', 1)
  assert.deepEqual(it.seen, ['busy'])
})

test('what is not the plugin is not looked at: names with a dot, and what changes nothing that can be seen', async () => {
  using it = watched(['a', 'b'])
  mkdirSync(it.at('.staging-1'))
  writeFileSync(it.at('.staging-1', 'plugin.yaml'), 'a')
  mkdirSync(it.at('a', 'build', 'deep'))
  writeFileSync(it.at('a', 'build', 'deep', 'object.o'), 'x')
  writeFileSync(it.at('b', 'plugin.yaml'), 'b')
  await it.times('b', 1)
  assert.ok(it.seen.every((directory) => directory === 'b'))
})

test('an artefact is seen again however long its directory was gone, and in one that was empty', async () => {
  using it = watched(['p'], { artefact: 'build/release/plugin.so' })
  const build = (...path: readonly string[]): string => it.at('p', 'build', ...path)
  mkdirSync(build('release'))
  writeFileSync(build('release', 'plugin.so'), 'elf')
  await it.times('p', 1)
  rmSync(build(), { recursive: true })
  await it.times('p', 2)
  // One directory at a time, each of them for longer than has to be quiet.
  for (const directory of [build(), build('release')]) {
    mkdirSync(directory)
    await delay(500)
  }
  const before = it.seen.length // the plugin's own directory was changed as well
  writeFileSync(build('release', 'plugin.so'), 'elf')
  await it.times('p', before + 1)
  rmSync(build('release'), { recursive: true })
  await it.times('p', before + 2)
})

test('what signs an artefact is seen where trust reads it: beside its file, wherever a link to that lies', async () => {
  using it = watched(['p'], { artefact: 'build/plugin.so' })
  mkdirSync(it.at('p', 'out', 'v2'), { recursive: true })
  writeFileSync(it.at('p', 'out', 'v2', 'filter.so'), 'elf')
  symlinkSync('../out/v2/filter.so', it.at('p', 'build', 'plugin.so'))
  await it.times('p', 1)
  for (const [index, name] of ['filter.so.sig', 'filter.sig'].entries()) {
    writeFileSync(it.at('p', 'out', 'v2', name), '{}')
    await it.times('p', index + 2)
  }
})

test('what the kernel does not tell of is seen when all directories are looked at', async () => {
  using it = watched([], { sweepEveryMs: 50 })
  mkdirSync(it.at('p', 'data'), { recursive: true })
  writeFileSync(it.at('p', 'data', 'mine.json'), '{}')
  symlinkSync('data/mine.json', it.at('p', 'config.json'))
  await it.times('p', 1)
  writeFileSync(it.at('p', 'data', 'mine.json'), '{"a": 1}') // where nobody watches
  await it.times('p', 2)
})

test('what decides about a plugin is in its print, however many files lie beside it', () => {
  using it = watched(['p'])
  for (let file = 0; file < 1000; file++) writeFileSync(it.at('p', `a${file}`), '')
  const deciding = [
    ...['plugin.yaml', 'plugin.toml', 'config.json', 'plugin.sig.json'],
    ...['build/plugin.so', 'build/plugin.so.sig', 'build/plugin.sig'],
  ]
  for (const name of deciding) writeFileSync(it.at('p', name), 'a')
  for (const name of deciding) {
    const before = footprintOf(it.at('p'), 'build/plugin.so')
    writeFileSync(it.at('p', name), 'ab')
    assert.notEqual(footprintOf(it.at('p'), 'build/plugin.so'), before, name)
  }
})

test('a print is another one for another size, time or file, and the same for the same', () => {
  using it = watched(['p'])
  const print = (): string => footprintOf(it.at('p'), 'build/plugin.so')
  const prints = new Set([print()])
  const differs = (what: string): void => {
    assert.ok(!prints.has(print()), what)
    prints.add(print())
    assert.ok(prints.has(print()), `${what}, and stays`)
  }
  writeFileSync(it.at('p', 'plugin.yaml'), 'a')
  differs('a new file')
  writeFileSync(it.at('p', 'plugin.yaml'), 'ab')
  differs('another size')
  utimesSync(it.at('p', 'plugin.yaml'), 1, 1)
  differs('another time')
  writeFileSync(it.at('p', 'build', 'plugin.so'), 'elf')
  differs('its artefact, below')
  rmSync(it.at('p'), { recursive: true })
  differs('nothing there any more')
})
