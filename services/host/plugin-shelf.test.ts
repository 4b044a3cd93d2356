import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openPluginShelf } from './plugin-shelf.ts'

const killed = fileURLToPath(new URL('./testing/shelf-killed.ts', import.meta.url))

function writePlugin(path: string, text: string): void {
  mkdirSync(path, { recursive: true })
  for (const name of ['a', 'b']) writeFileSync(join(path, name), text)
}

/** Which version of a plugin is in a directory: none, one, or a mixture, which must not be. */
function versionIn(path: string): string {
  if (!existsSync(path)) return 'none'
  const files = readdirSync(path).sort()
  const texts = new Set(files.map((name) => readFileSync(join(path, name), 'utf8')))
  return files.join() === 'a,b' && texts.size === 1 ? ([...texts][0] as string) : `a mixture: ${files} ${[...texts]}`
}

/** A home with two versions of a plugin, one in place and one kept. */
function newHome() {
  const home = mkdtempSync(join(tmpdir(), 'openracing-shelf-'))
  const [pluginDir, stateDir] = [join(home, 'plugins'), join(home, 'state')]
  const shelf = openPluginShelf({ pluginDir, stateDir })
  mkdirSync(pluginDir)
  mkdirSync(stateDir)
  writePlugin(join(pluginDir, 'other'), 'other')
  return {
    home,
    shelf,
    pluginDir,
    stateDir,
    now: (): string => versionIn(join(pluginDir, 'plugin')),
    before: (): string => versionIn(join(stateDir, 'previous', 'plugin')),
    files: (): readonly string[] => [
      ...readdirSync(pluginDir),
      ...(existsSync(join(stateDir, 'previous')) ? readdirSync(join(stateDir, 'previous')) : []),
    ],
    [Symbol.dispose]: () => rmSync(home, { recursive: true }),
  }
}

interface Scene {
  readonly what: 'install' | 'upgrade' | 'remove'
  /** The versions in place and kept before it, and both after it. */
  readonly from: readonly [now: string, before: string]
  readonly to: readonly [now: string, before: string]
}

const scenes: readonly Scene[] = [
  { what: 'install', from: ['none', 'none'], to: ['new', 'none'] },
  // Somebody removed the plugin by hand: what is kept of it is no version before another one.
  { what: 'install', from: ['none', 'older'], to: ['new', 'none'] },
  { what: 'upgrade', from: ['old', 'none'], to: ['new', 'old'] },
  { what: 'upgrade', from: ['old', 'older'], to: ['new', 'old'] },
  { what: 'remove', from: ['old', 'older'], to: ['none', 'none'] },
]

const run = (home: string, what: string, nth: number, apart: boolean) =>
  spawnSync(process.execPath, [killed, home, what, String(nth), apart ? 'apart' : 'together'], { encoding: 'utf8' })

/** What is in place and what is kept must be one of these, whole. */
function checkStanding(it: ReturnType<typeof newHome>, { from, to, what }: Scene): void {
  assert.ok([from[0], to[0]].includes(it.now()), `in place is ${it.now()}`)
  // A version that is being removed goes first, and may be gone before anything happens to the plugin.
  const goesFirst = what === 'remove' || from[0] === 'none'
  const isDone = what !== 'remove' && it.now() === to[0]
  const mayBe = isDone ? [to[1]] : goesFirst ? [from[1], to[1]] : [from[1]]
  assert.ok(mayBe.includes(it.before()), `${it.now()} is in place, and ${it.before()} is kept`)
  assert.deepEqual(
    it.files().filter((name) => name.startsWith('.')),
    [],
  )
  assert.equal(versionIn(join(it.pluginDir, 'other')), 'other')
}

/** A home in which the plugins stand as a scene begins. */
function stageScene({ from }: Scene): ReturnType<typeof newHome> {
  const it = newHome()
  if (from[0] !== 'none') writePlugin(join(it.pluginDir, 'plugin'), from[0])
  if (from[1] !== 'none') writePlugin(join(it.stateDir, 'previous', 'plugin'), from[1])
  return it
}

for (const apart of [false, true]) {
  for (const scene of scenes) {
    const where = apart ? 'on another file system' : 'on the same one'
    test(`${scene.what} from ${scene.from.join(' and ')}, with the state ${where}, is whole or not at all, whenever the host is killed`, async () => {
      for (let nth = 1; ; nth++) {
        using it = stageScene(scene)
        const { signal, status, stderr } = run(it.home, scene.what, nth, apart)
        if (signal === null) {
          assert.equal(status, 0, stderr)
          assert.deepEqual([it.now(), it.before()], scene.to)
          assert.ok(nth > 3, `it could be killed ${nth - 1} times`)
          return
        }
        assert.equal(signal, 'SIGKILL')
        await it.shelf.recover()
        checkStanding(it, scene)
      }
    })
  }
}

test('a host that is killed while it finishes what another one had begun leaves it to the next', async () => {
  const scene: Scene = { what: 'upgrade', from: ['old', 'older'], to: ['new', 'old'] }
  for (let nth = 1; ; nth++) {
    using left = stageScene(scene)
    if (run(left.home, scene.what, nth, true).signal === null) return
    // Before it is decided what will be there is nothing to finish: only to remove.
    if (!left.files().some((name) => name.startsWith('.next') || name.startsWith('.old'))) continue
    for (let again = 1; ; again++) {
      using it = newHome()
      cpSync(left.home, it.home, { recursive: true, force: true })
      const { signal } = run(it.home, 'recover', again, true)
      await it.shelf.recover()
      checkStanding(it, scene)
      if (signal === null) break
    }
  }
})
