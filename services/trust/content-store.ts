import { randomUUID } from 'node:crypto'
import { constants, lstatSync, rmSync } from 'node:fs'
import { lutimes, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Artefact, artefactMaxBytes, sha256Of } from './artefact.ts'

/** Read-only copies of artefacts, each named by its SHA-256. */
export interface ContentStore {
  /** The absolute path of a copy of exactly these bytes; makes or repairs it where it is needed. Repeats safely. */
  put(artefact: Artefact): Promise<string>
  /**
   * Removes copies but those of `keep`, and what a put() that was killed left. None that is younger than an hour: it may
   * have been put for somebody who has not told of it yet.
   */
  collect(keep: ReadonlySet<string>): Promise<Collected>
}

export interface Collected {
  readonly removed: number
  readonly removedBytes: number
}

/** Readable by us alone, writable by nobody: the copy is what runs. */
const copyMode = 0o400
/** How long a copy stays that nobody asks for, ms. */
const youngMs = 3_600_000

async function isIntact(path: string, sha256: string): Promise<boolean> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const status = await file.stat()
    if (!status.isFile() || status.size > artefactMaxBytes || (status.mode & 0o777) !== copyMode) return false
    return sha256Of(await file.readFile()) === sha256
  } catch {
    return false // missing, a link, unreadable: write it again
  }
}

/** A rename survives a power cut once its directory is on the disk. */
async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}

async function write(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  const part = join(directory, `.${randomUUID()}.part`)
  try {
    await using file = await open(part, 'wx', copyMode)
    await file.writeFile(bytes)
    await file.chmod(copyMode) // whatever the umask
    await file.sync()
    await rename(part, path)
    await syncDirectory(directory)
  } catch (cause) {
    await rm(part, { force: true })
    throw cause
  }
}

/** Ours to remove: copies and parts of copies. */
const isOurs = (name: string): boolean => /^[0-9a-f]{64}$|^\.[0-9a-f-]{36}\.part$/.test(name)

/** Bytes that are gone, or null for what stays. In one go: no put() comes between its look and its deed. */
function removeOld(path: string, beforeMs: number): number | null {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined || status.isDirectory() || status.mtimeMs >= beforeMs) return null
  rmSync(path, { force: true })
  return status.size
}

/** Makes a copy that is there as young as one that was made now. */
async function makeYoung(path: string, nowMs: number): Promise<void> {
  await lutimes(path, nowMs / 1000, nowMs / 1000).catch(() => undefined) // it is not there
}

/**
 * Opens the store in a directory and creates it where it is missing, private to the user. `nowMs`: wall clock, ms since
 * 1970, as the file system has it.
 */
export async function openContentStore(directory: string, nowMs: () => number): Promise<ContentStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return {
    async put({ bytes, sha256 }) {
      const path = join(directory, sha256)
      await makeYoung(path, nowMs()) // first: from here on nobody collects it
      if (!(await isIntact(path, sha256))) await write(directory, path, bytes)
      return path
    },
    async collect(keep) {
      const names = (await readdir(directory)).filter((name) => isOurs(name) && !keep.has(name))
      const beforeMs = nowMs() - youngMs
      const gone = names.map((name) => removeOld(join(directory, name), beforeMs)).filter((bytes) => bytes !== null)
      if (gone.length > 0) await syncDirectory(directory)
      return { removed: gone.length, removedBytes: gone.reduce((sum, bytes) => sum + bytes, 0) }
    },
  }
}
