import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPlugin, type NewPlugin } from '../cli/plugin-new.ts'

const repository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** What `npm install` brings: here it lies beside us. */
function install(project: string): void {
  mkdirSync(join(project, 'node_modules/@openracing'), { recursive: true })
  const { devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const sdk = devDependencies['@openracing/plugin'].replace(/^file:/, '')
  symlinkSync(sdk, join(project, 'node_modules/@openracing/plugin'))
  symlinkSync(repository('node_modules/assemblyscript'), join(project, 'node_modules/assemblyscript'))
}

/** Runs the project's own `npm run build`. */
function buildAssemblyScript(project: string): void {
  install(project)
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const [command, ...args] = scripts.build.split(' ')
  if (command !== 'asc') throw new Error(`the project builds with ${command}`)
  const asc = repository('node_modules/assemblyscript/bin/asc.js')
  execFileSync(process.execPath, [asc, ...args], { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] })
}

const make = (project: string): void =>
  void execFileSync('make', ['-s'], { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] })

const canCompile = (): boolean =>
  spawnSync('clang', ['--target=wasm32', '-nostdlib', '-Wl,--no-entry', '-x', 'c', '-', '-o', '/dev/null'], {
    input: '',
  }).status === 0

/** Why a project in C for WebAssembly cannot be built here; false when it can. For the `skip` of a test. */
export const noCCompiler: string | false = canCompile()
  ? false
  : 'there is no C compiler for WebAssembly; install the Debian packages clang and lld'

/** A project of `plugin new`, built as its README says. Returns its path. */
export function buildProject(parent: string, name: string, plugin: Required<NewPlugin>): string {
  const project = createPlugin(parent, name, plugin)
  if (plugin.language === 'c') make(project)
  else buildAssemblyScript(project)
  return project
}
