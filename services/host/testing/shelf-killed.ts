import fs, { mkdirSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

// Does one thing to a shelf and is killed right before its nth change of the disk: node shelf-killed.ts HOME WHAT N APART.
const [home, what, nth, apart] = process.argv.slice(2) as [
  string,
  'install' | 'upgrade' | 'remove' | 'recover',
  string,
  string,
]
let changes = 0

function change(): void {
  changes++
  if (changes === Number(nth)) process.kill(process.pid, 'SIGKILL')
}

/** Removes file by file, so that a kill leaves some of them. */
function removeSlowly(path: string): void {
  const found = fs.lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (found.isDirectory()) for (const name of fs.readdirSync(path)) removeSlowly(join(path, name))
  change()
  if (found.isDirectory()) fs.rmdirSync(path)
  else fs.unlinkSync(path)
}

/** Copies file by file, for the same reason. */
function copySlowly(from: string, to: string): void {
  change()
  if (fs.lstatSync(from).isFile()) {
    fs.copyFileSync(from, to)
    return
  }
  fs.mkdirSync(to)
  for (const name of fs.readdirSync(from)) copySlowly(join(from, name), join(to, name))
}

const stateDir = join(home, 'state')
const isApart = (path: string): boolean => apart === 'apart' && path.startsWith(stateDir)
const { renameSync, promises } = fs
const { mkdir, rename } = promises

/** As if the state were on another file system, where that is asked for. */
function refuseToCross(from: string, to: string): void {
  if (isApart(from) !== isApart(to)) throw Object.assign(new Error('EXDEV: cross-device link'), { code: 'EXDEV' })
}

fs.renameSync = (from, to) => {
  change()
  refuseToCross(String(from), String(to))
  renameSync(from, to)
}
promises.rename = async (from, to) => {
  change()
  refuseToCross(String(from), String(to))
  await rename(from, to)
}
promises.rm = async (path) => removeSlowly(String(path))
promises.cp = async (from, to) => copySlowly(String(from), String(to))
promises.mkdir = (async (path: string, options: fs.MakeDirectoryOptions) => {
  change()
  return mkdir(path, options)
}) as typeof promises.mkdir
syncBuiltinESMExports()

const { openPluginShelf } = await import('../plugin-shelf.ts')
const shelf = openPluginShelf({ pluginDir: join(home, 'plugins'), stateDir })
if (what === 'recover') await shelf.recover()
else if (what === 'remove') await shelf.remove('plugin')
else {
  await using staging = await shelf.open()
  const staged = join(staging.path, 'plugin')
  mkdirSync(staged)
  for (const name of ['a', 'b']) writeFileSync(join(staged, name), 'new')
  await shelf.put(staged, 'plugin')
}
