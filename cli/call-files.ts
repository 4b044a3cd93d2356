import { readFile, writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { RigError, systemFailure } from '../rpc/failure.ts'

/** What goes into a plugin; `-` is stdin. Rejects with FILE_MISSING. */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file)
  } catch (cause) {
    throw new RigError('FILE_MISSING', `${file} cannot be read (${(cause as Error).message}); name a file`, { cause })
  }
}

/** What came out of a plugin; `-` is stdout. Not /dev/stdout: that cannot be opened where it is a socket. */
export async function writeOutput(file: string, output: Uint8Array): Promise<void> {
  if (file === '-') {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(output, (cause) => (cause ? reject(cause) : resolve())),
    )
    return
  }
  try {
    await writeFile(file, output)
  } catch (cause) {
    const what = `${file} cannot be written (${(cause as Error).message}); name another file`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), what, { cause })
  }
}
