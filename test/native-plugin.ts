import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastPluginSpec } from '../gen/proto/openracing/v1/dsp_helper.ts'

/** Libraries with one vice each. */
export const pluginSources = fileURLToPath(new URL('plugins/native', import.meta.url))

/** Compiles test/plugins/native/NAME.c into `directory`; returns the library's path. */
export function buildNativePlugin(name: string, directory: string): string {
  const library = join(directory, `${name}.so`)
  execFileSync('cc', [
    '-std=c11',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-o',
    library,
    join(pluginSources, `${name}.c`),
    '-lm',
  ])
  return library
}

/** A plugin with the limits of the guide. */
export const fastPlugin = (id: string, path: string): FastPluginSpec => ({
  id,
  name: id,
  path,
  sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  configJson: '{}',
  budgetUs: 200,
  maxMemoryBytes: 4_194_304n,
  directory: dirname(path),
  allowUnsandboxed: false,
})
