import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { footprintOf, placesOf } from './plugin-footprint.ts'

/** A directory that changed a moment ago may be half copied: it is looked at when it has been quiet for this long, ms. */
export const quietMs = 300
/**
 * How often every directory is looked at whatever the kernel says, ms: some file systems tell of nothing, and a flood of
 * changes may drown some.
 */
export const sweepEveryMs = 10_000

export interface PluginWatchNeeds {
  readonly pluginDir: string
  readonly quietMs: number
  readonly sweepEveryMs: number
  /** Of the plugin that is known there, relative to the directory; null: none. */
  readonly artefactOf: (directory: string) => string | null
  /** Something was changed there, and it has been quiet since. */
  readonly seen: (directory: string) => void
}

/** Watches the plugin directory for what is dropped in, changed and removed. */
export interface PluginWatch {
  /** May be called twice. */
  close(): void
}

/** Watches one directory; nothing where it cannot be: the sweep looks there. */
function watchDirectory(path: string, changed: (name: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, (_event, name) => changed(name ?? ''))
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'))
  } catch {
    return []
  }
}

/** Which directory it is: one that is made anew may have the number of the one before. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(path, { bigint: true })
    return [dev, ino, birthtimeNs].join()
  } catch {
    return undefined
  }
}

type Watchers = ReadonlyMap<string, FSWatcher>
const nobody: Watchers = new Map()

export function watchPlugins({ pluginDir, quietMs, sweepEveryMs, artefactOf, seen }: PluginWatchNeeds): PluginWatch {
  const watchers = new Map<string, Watchers>()
  const prints = new Map<string, string>()
  const quiet = new Map<string, NodeJS.Timeout>()
  let root: FSWatcher | undefined
  let rootIdentity: string | undefined
  let closed = false

  const printOf = (directory: string, artefact = artefactOf(directory)): string =>
    footprintOf(join(pluginDir, directory), artefact)

  function look(directory: string): void {
    quiet.delete(directory)
    const artefact = artefactOf(directory)
    const print = printOf(directory, artefact)
    if (prints.get(directory) !== print) {
      seen(directory)
      // Its artefact may be another one by now. What was changed meanwhile is seen the next time.
      prints.set(directory, printOf(directory, artefact) === print ? printOf(directory) : print)
      if (identityOf(join(pluginDir, directory)) === undefined) prints.delete(directory)
    }
    if (follow(directory)) touch(directory) // what was changed there before anybody watched
  }

  function touch(directory: string): void {
    if (closed || directory === '' || directory.startsWith('.')) return
    clearTimeout(quiet.get(directory))
    quiet.set(directory, setTimeout(look, quietMs, directory))
  }

  /** What is to be watched of this plugin may be something else now. Says whether something is that was not before. */
  function follow(directory: string): boolean {
    const before = watchers.get(directory) ?? nobody
    const now = new Map<string, FSWatcher>()
    for (const place of closed ? [] : placesOf(join(pluginDir, directory), artefactOf(directory))) {
      const key = `${place} ${identityOf(place)}`
      const watcher = before.get(key) ?? watchDirectory(place, () => touch(directory))
      if (watcher !== undefined) now.set(key, watcher)
    }
    for (const [key, watcher] of before) if (!now.has(key)) watcher.close()
    if (now.size > 0) watchers.set(directory, now)
    else watchers.delete(directory)
    return [...now.keys()].some((key) => !before.has(key))
  }

  /** Also where the plugin directory was moved away and made anew. */
  function followRoot(): void {
    const identity = identityOf(pluginDir)
    if (root !== undefined && identity === rootIdentity) return
    root?.close()
    rootIdentity = identity
    root = watchDirectory(pluginDir, (name) => {
      if (!watchers.has(name)) follow(name)
      touch(name)
    })
    root?.on('error', () => {
      root = undefined // the next sweep opens it anew
    })
  }

  function sweep(): void {
    followRoot()
    for (const directory of new Set([...namesIn(pluginDir), ...prints.keys()])) {
      if (prints.get(directory) !== printOf(directory) && !quiet.has(directory)) touch(directory)
    }
  }

  followRoot()
  for (const directory of namesIn(pluginDir)) {
    follow(directory)
    prints.set(directory, printOf(directory))
  }
  const sweeping = setInterval(sweep, sweepEveryMs)
  sweeping.unref()

  return {
    close() {
      closed = true
      clearInterval(sweeping)
      root?.close()
      for (const timer of quiet.values()) clearTimeout(timer)
      for (const opened of watchers.values()) for (const watcher of opened.values()) watcher.close()
      watchers.clear()
    },
  }
}
