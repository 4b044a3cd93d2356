import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nextEntry } from './audit-chain.ts'
import { createInstaller, type InstallProgress } from './installer.ts'
import { openPluginShelf } from './plugin-shelf.ts'
import { scanPlugins } from './registry.ts'
import { tarGz } from './testing/tar.ts'

const archive = tarGz({ name: 'plugin/plugin.wasm', content: 'the bytes of a module' })

/** A rig without plugins, whose judge finds everything good. */
function newRig() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-installer-'))
  const [pluginDir, stateDir] = [join(root, 'plugins'), join(root, 'state')]
  for (const directory of [pluginDir, stateDir]) mkdirSync(directory)
  const decisions: string[] = []
  const signers = { keyFingerprints: [], bundleKeyFingerprints: [] }
  const verified = { path: '', sha256: '', warning: '', reason: 'it is a test', signers, bundleVersion: '' }
  const installer = createInstaller({
    shelf: openPluginShelf({ pluginDir, stateDir }),
    installed: () => scanPlugins(pluginDir),
    judge: async () => ({ verified, configJson: '{}' }),
    audit: {
      append(decided) {
        decisions.push(decided.decision)
        return nextEntry(undefined, decided, 0)
      },
    },
    changed: async () => '',
  })
  return {
    decisions,
    /** Installs the archive, and gives it up at a stage. */
    async install(giveUpAt?: InstallProgress['stage']): Promise<void> {
      const giveUp = new AbortController()
      async function* pieces() {
        yield archive
      }
      const request = { format: 'tar.gz', name: 'plugin', force: false, upgradeOnly: false, archiveBytes: 0 } as const
      for await (const step of installer.install(request, pieces(), giveUp.signal)) {
        if ('progress' in step && step.progress.stage === giveUpAt) giveUp.abort()
      }
    },
    directories: () => readdirSync(pluginDir),
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  }
}

test('an installation that is given up at the last moment has not been: nothing is in place, and nothing is decided', async () => {
  using rig = newRig()
  await assert.rejects(rig.install('installing'), { name: 'AbortError' })
  assert.deepEqual([rig.directories(), rig.decisions], [[], []])
  await rig.install()
  assert.deepEqual([rig.directories(), rig.decisions], [['plugin'], ['install']])
})
