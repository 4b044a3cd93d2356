import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Artefact, artefactMaxBytes, sha256Of } from './artefact.ts'

/** Read-only copies of artefacts, each named by its SHA-256. */
export interface ContentStore {
  /** The absolute path of a copy of exactly these bytes; makes or repairs it where it is needed. Repeats safely. */
  put(artefact: Artefact): Promise<string>
}

/** Readable by us alone, writable by nobody: the copy is what runs. */
const copyMode = 0o400

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

/** Opens the store in a directory and creates it where it is missing, private to the user. */
export async function openContentStore(directory: string): Promise<ContentStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return {
    async put({ bytes, sha256 }) {
      const path = join(directory, sha256)
      if (!(await isIntact(path, sha256))) await write(directory, path, bytes)
      return path
    },
  }
}
