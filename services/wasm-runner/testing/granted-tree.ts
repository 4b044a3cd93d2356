import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory to grant, beside one that nobody may get to, and every standing way out of it. */
export interface GrantedTree extends Disposable {
  /** The directory to grant. */
  readonly path: string
  /** A directory beside it with a file `secret`. */
  readonly outside: string
}

/** What is in each file outside. */
export const secret = 'nobody may read this'

export function grantedTree(): GrantedTree {
  const base = mkdtempSync(join(tmpdir(), 'openracing-wasi-'))
  const [path, outside] = [join(base, 'granted'), join(base, 'outside')]
  mkdirSync(join(path, 'sub'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), secret)
  writeFileSync(join(path, 'hello.txt'), 'hello from a file\n')
  writeFileSync(join(path, 'sub/inner.txt'), 'inner\n')
  symlinkSync('sub/inner.txt', join(path, 'stays'))
  symlinkSync('../outside/secret', join(path, 'leads-out'))
  symlinkSync('../outside', join(path, 'leads-out-dir'))
  symlinkSync(join(outside, 'secret'), join(path, 'absolute'))
  symlinkSync('/proc/self/environ', join(path, 'proc'))
  symlinkSync('/proc/self/fd', join(path, 'proc-fd'))
  execFileSync('mkfifo', [join(path, 'fifo')])
  return { path, outside, [Symbol.dispose]: () => rmSync(base, { recursive: true }) }
}
