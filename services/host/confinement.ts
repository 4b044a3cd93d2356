import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { type Home, makePrivateDirectory } from '../../rpc/home.ts'
import { openLedSlot, openSafeCalls, openScalarSlot, openSuspectCells, openTelemetrySlot } from '../../shm/slots.ts'
import { realPlace } from './real-place.ts'

/** What the process of a service may do with files. It gets no network, no other process and no privileges. */
export interface Confinement {
  /** Files, and directories with all that is in them. What is missing is left out. */
  readonly read: readonly string[]
  readonly write: readonly string[]
  /** Directories of which it may ask what they are, and nothing more. */
  readonly see: readonly string[]
  /** Directories of plugins, asked for each time it is started. They are out of reach of its own JavaScript: WASI's calls are in the addon. */
  readonly granted: () => readonly PathGrant[]
  /** Makes what must be there before it is started: the right to use a file is bound to that file, and not to its name. */
  prepare(): void
}

/** The program that becomes another one, confined: native/confine.c. */
const confine = fileURLToPath(new URL('../../native/build/confine', import.meta.url))

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Of this package, what the wasm-runner is made of. Nothing else of a checkout: nobody knows what lies there. */
const parts = [
  'gen',
  'input',
  'native',
  'network',
  'node_modules',
  'package.json',
  'proto',
  'rpc',
  'services/wasm-runner',
  'shm',
  'supervision',
]

/** Where our dependencies are when we are somebody's dependency ourselves. */
const besideUs = basename(dirname(root)) === 'node_modules' ? [dirname(root)] : []

/** What V8 and OpenSSL ask the system when they start: how much memory there is, for one. */
const system = ['/sys/fs/cgroup', '/sys/devices/system/cpu', '/proc/meminfo', '/etc/ssl/openssl.cnf']

/** Compiled code is read, and not written: other services run what is there. `npm run warm` puts the runner's own there. */
const compileCache = ({ NODE_COMPILE_CACHE }: NodeJS.ProcessEnv): readonly string[] =>
  NODE_COMPILE_CACHE === undefined ? [] : [NODE_COMPILE_CACHE]

/** What a process reads that runs Safe plugins, beside the plugins. */
const program = (environment: NodeJS.ProcessEnv): readonly string[] => [
  ...parts.map((part) => join(root, part)),
  ...besideUs,
  ...compileCache(environment),
  ...system,
]

/** What a process may touch that is told a plugin and says what became of it: our code, to read. */
export const trialConfinement = (environment: NodeJS.ProcessEnv): Confinement => ({
  read: program(environment),
  write: [],
  see: [],
  granted: () => [],
  prepare() {},
})

/** The cells of shared memory that Safe plugins see and fill, and none of the loop's. */
function openCells(home: Home): void {
  const suspects = openSuspectCells(home)
  const cells = [openTelemetrySlot(home), openLedSlot(home), openScalarSlot(home), suspects.leds, suspects.scalar]
  for (const cell of cells) cell.close()
  openSafeCalls(home)
}

const cellNames = ['telemetry', 'leds', 'scalar', 'suspect-leds', 'suspect-scalar', 'safe-calls']

/**
 * What the wasm-runner may touch: code that is ours, plugins that were verified, six files of shared memory, and the
 * directory of its own socket; and what its plugins were granted. Its log is open when it starts.
 */
export function wasmRunnerConfinement(
  home: Home,
  environment: NodeJS.ProcessEnv,
  granted: () => readonly PathGrant[],
): Confinement {
  return {
    read: [...program(environment), home.storeDir],
    write: [...cellNames.map((name) => join(home.shmDir, name)), dirname(home.socket('wasm-runner'))],
    see: [home.runtimeDir, home.shmDir],
    granted,
    prepare() {
      makePrivateDirectory(dirname(home.socket('wasm-runner')))
      makePrivateDirectory(home.storeDir) // trust starts at the same time
      try {
        openCells(home)
      } catch {
        // What is wrong with a cell the service finds, too, and says.
      }
    },
  }
}

const withRealPaths = (paths: readonly string[]): readonly string[] => [...new Set([...paths, ...paths.map(realPlace)])]

/**
 * Node's own second look, at what JavaScript asks for; the kernel's is the one that counts. It keeps no compiled code that
 * it may not write: allowed here, and refused by the kernel.
 */
const permissions = (
  read: readonly string[],
  write: readonly string[],
  cache: readonly string[],
): readonly string[] => [
  '--permission',
  '--allow-addons',
  '--allow-worker',
  '--disable-warning=PERM0001', // that addons may do what they like: ours is the one that there is
  '--disable-warning=PERM0006', // and that threads are programs
  ...[...read, ...write, '/proc'].map((path) => `--allow-fs-read=${path}`),
  ...[...write, ...cache].map((path) => `--allow-fs-write=${path}`),
]

/** The command line that starts `words`, a program of Node's, confined. */
export function confinedCommand(
  { read, write, see, granted }: Confinement,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): readonly [command: string, args: readonly string[]] {
  const [reads, writes, cache] = [withRealPaths(read), withRealPaths(write), compileCache(environment)]
  const allowed = [
    ...reads.flatMap((path) => ['--read', path]),
    ...writes.flatMap((path) => ['--write', path]),
    ...granted().flatMap(({ path, access }) => [access === PathAccess.PATH_ACCESS_READ ? '--read' : '--write', path]),
  ]
  const flags = permissions([...reads, ...withRealPaths(see)], writes, cache)
  return [confine, [...allowed, '--', process.execPath, ...flags, ...words]]
}

/** Of our environment, what a confined service has a use for: the rest may hold anybody's secrets. */
const useful = /^(OPENRACING_\w+|XDG_\w+|NODE_COMPILE_CACHE|HOME|TMPDIR|TZ|LANG|LC_\w+)$/

export const usefulEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => useful.test(name)))
