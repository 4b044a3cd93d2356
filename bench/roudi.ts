import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endChild, saidReady } from './program.ts'

/** Room for what one pair has under way; the built-in configuration takes half a gigabyte. */
const config = `[general]
version = 1

[[segment]]

[[segment.mempool]]
size = 128
count = 64
`

/** iceoryx's daemon, with memory for one pair, until it is disposed of. */
export async function startRoudi(): Promise<AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-roudi-'))
  const file = join(directory, 'roudi.toml')
  writeFileSync(file, config)
  // In a session of its own, so that Ctrl-C leaves it to us to end it: it must be the last of its clients.
  const child = spawn('iox-roudi', ['-c', file], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const started = new Promise<void>((resolve, reject) => {
    child.once('error', () =>
      reject(
        new Error('iox-roudi is not installed; install it with: apt-get install iceoryx libiceoryx-binding-c-dev'),
      ),
    )
    child.once('spawn', resolve)
  })
  const end = async (): Promise<void> => {
    await endChild(child, 'SIGTERM')
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await started
    await saidReady(child, 'ready for clients')
  } catch (cause) {
    if (child.pid !== undefined) await end()
    else rmSync(directory, { recursive: true, force: true })
    throw cause
  }
  return { [Symbol.asyncDispose]: end }
}
