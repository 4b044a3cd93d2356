import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { findHome, type Home } from '../rpc/home.ts'
import { lockFile } from '../rpc/lock.ts'

const pluginsDir = fileURLToPath(new URL('../plugins', import.meta.url))

/** How the homes of demos begin, and the file in each that its demo holds locked for as long as it lives. */
export const homePrefix = 'openracing-demo-'
export const homeLock = 'demo.lock'

const config = `# The sample plugins are not signed, and whoever starts a demo wants them to have their way with its simulated wheel.
listen: 127.0.0.1:0
plugins:
  auto_grant_risk: medium
  native:
    require_signatures: false
    allow_unsigned: true
`

/** Copies what a user would copy: the manifest and the built artefact. */
function installPlugins(home: Home): void {
  for (const name of readdirSync(pluginsDir)) {
    if (!existsSync(join(pluginsDir, name, 'plugin.yaml'))) continue
    const built = join(pluginsDir, name, 'build')
    if (!existsSync(built)) throw new RigError('FILE_MISSING', `the sample plugin ${name} is not built; run make`)
    const target = join(home.pluginDir, name)
    mkdirSync(target, { recursive: true })
    cpSync(join(pluginsDir, name, 'plugin.yaml'), join(target, 'plugin.yaml'))
    cpSync(built, join(target, 'build'), { recursive: true })
  }
}

/** A new directory of ours. It has its name only once its lock is held: nobody takes it for one that was left. */
function claimDirectory(): string {
  const parent = tmpdir()
  try {
    const unnamed = mkdtempSync(join(parent, 'openracing-new-'))
    lockFile(join(unnamed, homeLock))
    const directory = join(parent, basename(unnamed).replace('openracing-new-', homePrefix))
    renameSync(unnamed, directory)
    return directory
  } catch (cause) {
    const what = `no home for the demo can be made in ${parent} (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), `${what}; set TMPDIR to a directory that can be written`, {
      cause,
    })
  }
}

/** Its directory is ours to choose: the remedy is another one than that for a home of the user's. */
function refuseLongPath(home: Home): void {
  try {
    home.socket('wasm-runner') // the longest name
  } catch (cause) {
    const what = `${tmpdir()} has too long a path for the sockets of a rig (${Buffer.byteLength(tmpdir())} bytes)`
    throw new RigError('CONFIG_INVALID', `${what}; set TMPDIR to a shorter directory, such as /tmp`, { cause })
  }
}

/** Makes a temporary home with the sample plugins. Removing it is the caller's. */
export function makeDemoHome(prepare: (home: Home) => void): Home {
  const home = findHome({ OPENRACING_HOME: claimDirectory() })
  try {
    refuseLongPath(home)
    writeFileSync(home.configFile, config)
    installPlugins(home)
    mkdirSync(home.stateDir)
    prepare(home)
    return home
  } catch (cause) {
    rmSync(home.configDir, { recursive: true, force: true })
    throw cause
  }
}
