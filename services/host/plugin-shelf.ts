import { randomUUID } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, renameSync } from 'node:fs'
import { cp, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Home } from '../../rpc/home.ts'
import { syncToDisk } from '../../state/durable-file.ts'

/** A directory below the plugin directory that nobody takes for a plugin, to put together the next one in. */
export interface Staging extends AsyncDisposable {
  readonly path: string
}

/**
 * The directories of the plugins, and of each the version before. What is half done has a name with a dot, which says
 * what it is and how it is finished:
 * `.staging-…` being put together, `.next-x` is to be x, `.old-x` was x until now, `.gone-…` is being removed.
 */
export interface PluginShelf {
  open(): Promise<Staging>
  /** Whether anything is there by this name. */
  has(directory: string): boolean
  /** The version before of a plugin; undefined when none is kept. */
  previous(directory: string): string | undefined
  /**
   * Makes what is in `staged`, which is on the disk, the plugin, and what was the plugin the version before. One at a
   * time. Not begun when it throws. Returns what is wrong with the version before, a sentence; empty when nothing is.
   */
  put(staged: string, directory: string): Promise<string>
  /** Removes a plugin and the version before it. */
  remove(directory: string): Promise<void>
  /**
   * Finishes what a host that was killed had begun, and removes what it had not: to be called before anybody looks for
   * plugins. Returns the directories of which another version became the plugin.
   */
  recover(): Promise<readonly string[]>
}

const isCrossDevice = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'EXDEV'
const isAnything = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(path, entry.name))
    else if (entry.isFile()) await syncOne(join(path, entry.name))
  }
  await syncOne(path)
}

async function syncOne(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}

/** Copies a plugin, flushed to the disk. Links stay the links that they are. */
export async function copyPlugin(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false })
  await syncTree(to)
}

export function openPluginShelf({ pluginDir, stateDir }: Pick<Home, 'pluginDir' | 'stateDir'>): PluginShelf {
  const previousDir = join(stateDir, 'previous')
  const place = (kind: 'next' | 'old' | 'staging', name: string): string => join(pluginDir, `.${kind}-${name}`)
  const at = (directory: string): string => join(pluginDir, directory)
  const before = (directory: string): string => join(previousDir, directory)
  const incoming = (directory: string): string => join(previousDir, `.incoming-${directory}`)

  /** What is removed is out of the way at once, and nobody takes half of it for the whole. */
  async function discard(path: string): Promise<void> {
    const gone = join(dirname(path), `.gone-${randomUUID()}`)
    renameSync(path, gone)
    syncToDisk(dirname(path))
    await rm(gone, { recursive: true, force: true })
  }

  async function forget(directory: string): Promise<void> {
    if (isAnything(before(directory))) await discard(before(directory))
  }

  /** In one go: of what this process reads in between there is nothing. */
  function swap(directory: string): void {
    const [next, now, old] = [place('next', directory), at(directory), place('old', directory)]
    if (isAnything(now)) renameSync(now, old)
    try {
      renameSync(next, now)
    } catch (cause) {
      if (isAnything(old)) renameSync(old, now)
      throw cause
    }
    syncToDisk(pluginDir)
  }

  /** Makes what came in complete the version before. */
  async function settle(directory: string): Promise<void> {
    await rm(before(directory), { recursive: true, force: true })
    await rename(incoming(directory), before(directory))
    syncToDisk(previousDir)
  }

  /** Makes what was the plugin the version before. The state may be on another file system: then it is copied there. */
  async function keep(directory: string): Promise<void> {
    const old = place('old', directory)
    await mkdir(previousDir, { recursive: true, mode: 0o700 })
    await rm(incoming(directory), { recursive: true, force: true })
    try {
      await rename(old, incoming(directory))
    } catch (cause) {
      if (!isCrossDevice(cause)) throw cause
      await copyPlugin(old, incoming(directory))
    }
    await settle(directory)
    if (isAnything(old)) await discard(old)
  }

  async function keepOrSay(directory: string): Promise<string> {
    try {
      await keep(directory)
      return ''
    } catch (cause) {
      const why = (cause as Error).message
      return `the version before could not be kept in ${previousDir} (${why}); it is tried again with the next version`
    }
  }

  const named = (kind: string, directory: string): readonly string[] =>
    existsSync(directory)
      ? readdirSync(directory).flatMap((name) => (name.startsWith(`.${kind}-`) ? [name.slice(kind.length + 2)] : []))
      : []

  const paths = (kind: string, directory: string): readonly string[] =>
    named(kind, directory).map((name) => join(directory, `.${kind}-${name}`))

  return {
    async open() {
      const path = place('staging', randomUUID())
      await mkdir(path, { mode: 0o700 })
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
    },
    has: (directory) => isAnything(at(directory)),
    previous: (directory) => (existsSync(before(directory)) ? before(directory) : undefined),
    async put(staged, directory) {
      const [next, old] = [place('next', directory), place('old', directory)]
      if (isAnything(old)) await keep(directory) // which failed the last time
      if (!isAnything(at(directory))) await forget(directory) // of a plugin that somebody removed by hand
      renameSync(staged, next)
      syncToDisk(pluginDir) // from here on it will be the plugin, whatever becomes of us
      try {
        swap(directory)
      } catch (cause) {
        await discard(next)
        throw cause
      }
      return isAnything(old) ? keepOrSay(directory) : ''
    },
    async remove(directory) {
      await forget(directory)
      await discard(at(directory))
    },
    async recover() {
      const finished = named('next', pluginDir)
      for (const directory of finished) swap(directory)
      // What came in whole has no `.old-` beside it any more; what came in by half is copied again.
      const old = named('old', pluginDir)
      for (const directory of named('incoming', previousDir)) if (!old.includes(directory)) await settle(directory)
      for (const directory of old) await keep(directory)
      const left = [...paths('staging', pluginDir), ...paths('gone', pluginDir), ...paths('gone', previousDir)]
      for (const path of left) await rm(path, { recursive: true, force: true })
      return finished
    },
  }
}
