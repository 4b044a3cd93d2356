import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { RigError, systemFailure } from '../../rpc/failure.ts'
import { type SealedFile, sealFile } from '../../shm/sealed-file.ts'

/** The largest library that trust verifies, bytes. */
const artefactBytesMax = 64 * 1024 * 1024

type Artefact = Pick<FastPluginSpec, 'path' | 'sha256'>

/** In pieces, so that whoever is looked after meanwhile does not wait for all of it. */
async function readArtefact(path: string): Promise<{ readonly bytes: Buffer; readonly sha256: string }> {
  const hash = createHash('sha256')
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of createReadStream(path)) {
    pieces.push(piece as Buffer)
    hash.update(piece as Buffer)
    length += (piece as Buffer).length
    if (length > artefactBytesMax) {
      throw new RigError(
        'PLUGIN_INVALID',
        `the library ${path} has more than ${artefactBytesMax} bytes; build it without debug information`,
      )
    }
  }
  return { bytes: Buffer.concat(pieces, length), sha256: hash.digest('hex') }
}

/**
 * The library's bytes, read once, found to be those that were verified, and sealed: what is loaded is what was judged,
 * whatever happens to the file.
 */
export async function sealArtefact({ path, sha256 }: Artefact): Promise<SealedFile> {
  const found = await readArtefact(path).catch((cause: unknown) => {
    if (cause instanceof RigError) throw cause
    const code = systemFailure(cause, 'FILE_MISSING')
    throw new RigError(code, `the verified library ${path} cannot be read (${(cause as Error).message})`, { cause })
  })
  if (found.sha256 === sha256) return sealFile('plugin', found.bytes)
  throw new RigError(
    'PLUGIN_UNTRUSTED',
    `the library ${path} has the SHA-256 ${found.sha256}, and ${sha256} was verified; have it verified again`,
  )
}
