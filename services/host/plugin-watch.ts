import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'

/** A directory that changed a moment ago may be half copied: it is looked at when it has been quiet for this long, ms. */
export const quietMs = 300
/**
 * How often every directory is looked at whatever the kernel says, ms: some file systems tell of nothing, and a flood of
 * changes may drown some.
 */
const sweepEveryMs = 10_000

export interface PluginWatchNeeds {
  readonly pluginDir: string
  readonly quietMs: number
  /** Directories in which something of this plugin lies: its own, and that of its artefact. */
  readonly placesOf: (directory: string) => readonly string[]
  /** Something was changed there, and it has been quiet since. */
  readonly seen: (directory: string) => void
  /** Tells what can be seen of a plugin; another text is another plugin. */
  readonly footprint: (directory: string) => string
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

export function watchPlugins({ pluginDir, quietMs, placesOf, seen, footprint }: PluginWatchNeeds): PluginWatch {
  const watchers = new Map<string, readonly FSWatcher[]>()
  const prints = new Map<string, string>()
  const quiet = new Map<string, NodeJS.Timeout>()
  let root: FSWatcher | undefined
  let rootIdentity: string | undefined
  let closed = false

  const printOf = (directory: string): string => footprint(join(pluginDir, directory))

  function look(directory: string): void {
    quiet.delete(directory)
    const print = printOf(directory)
    if (prints.get(directory) === print) return
    prints.set(directory, print)
    seen(directory)
    if (identityOf(join(pluginDir, directory)) === undefined) prints.delete(directory)
    follow(directory)
  }

  function touch(directory: string): void {
    if (closed || directory === '' || directory.startsWith('.')) return
    clearTimeout(quiet.get(directory))
    quiet.set(directory, setTimeout(look, quietMs, directory))
  }

  /** What is watched of this plugin may be something else now. */
  function follow(directory: string): void {
    for (const watcher of watchers.get(directory) ?? []) watcher.close()
    const places = closed ? [] : [...new Set(placesOf(directory))]
    const opened = places.flatMap((place) => watchDirectory(place, () => touch(directory)) ?? [])
    if (opened.length > 0) watchers.set(directory, opened)
    else watchers.delete(directory)
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
    prints.set(directory, printOf(directory))
    follow(directory)
  }
  const sweeping = setInterval(sweep, sweepEveryMs)
  sweeping.unref()

  return {
    close() {
      closed = true
      clearInterval(sweeping)
      root?.close()
      for (const timer of quiet.values()) clearTimeout(timer)
      for (const opened of watchers.values()) for (const watcher of opened) watcher.close()
      watchers.clear()
    },
  }
}
