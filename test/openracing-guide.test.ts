import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blocksOf, readGuide, withoutGuides } from './guide.ts'
import { fastPlugin } from './native-plugin.ts'
import { executions, limits, near, pluginOf, startPlane, torqueNm } from './plane.ts'
import { until } from './until.ts'

const guideName = 'openracing-plugin-development-guide.md'
const header = fileURLToPath(new URL('../sdk/c/plugin.h', import.meta.url))

/** The guide's C listings that are whole plugins, by what tells them apart. */
const listings = {
  'plugin.c of the workflow': '#include "plugin.h"',
  'the low-pass example': '.name = "Sample DSP Filter"',
  'the template of the appendix': '.name = "My Plugin"',
} as const

/** The line of the guide that compiles, with the library's name that it gives. */
function compileLine(guide: string): string {
  const line = blocksOf(guide, 'bash')
    .flatMap((block) => block.split('\n'))
    .find((text) => text.startsWith('gcc -shared -fPIC'))
  assert.equal(line, 'gcc -shared -fPIC -o libmy_fast_plugin.so plugin.c -lm')
  return line as string
}

function compile(guide: string, mark: string): { readonly directory: string; readonly library: string } {
  const listing = blocksOf(guide, 'c').find(
    (block) => block.includes(mark) && block.includes('get_plugin_vtable(void) {'),
  )
  assert.ok(listing, `the guide has a plugin with ${mark}`)
  const directory = mkdtempSync(join(tmpdir(), 'openracing-guide-'))
  writeFileSync(join(directory, 'plugin.c'), listing)
  copyFileSync(header, join(directory, 'plugin.h'))
  execFileSync('sh', ['-c', compileLine(guide)], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
  return { directory, library: join(directory, 'libmy_fast_plugin.so') }
}

for (const [name, mark] of Object.entries(listings)) {
  test(`${name}, compiled from the guide's text with the guide's gcc line, filters at 1 kHz`, {
    skip: withoutGuides,
  }, async () => {
    const { directory, library } = compile(readGuide(guideName), mark)
    await using rig = await startPlane()
    await rig.plane.setChain([fastPlugin('guide', library)], limits)
    await until('it answered 200 frames', () => executions(rig, 'guide') >= 200n)
    // A low-pass, or the template that hands on what it gets: a constant comes out as it went in.
    await until('2 N·m are at the wheel', () => near(torqueNm(rig), 2))
    assert.equal(pluginOf(rig, 'guide').statistics?.failures, 0n)
    rmSync(directory, { recursive: true })
  })
}
