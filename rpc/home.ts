import { createHash } from 'node:crypto'
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { RigError, systemFailure } from './failure.ts'

/** Longest path of a Unix socket, bytes: sizeof(sockaddr_un.sun_path) - 1. */
const socketPathMax = 107

/** Services whose process may write beside its socket and nowhere else: the directory of the others is not theirs. */
const apart: ReadonlySet<string> = new Set(['wasm-runner'])

/** Not userInfo(): in a container the user may have a number and no name, and that throws. */
const userId = (): number | undefined => process.getuid?.()

/** Where one rig keeps its things. Two rigs with different homes share nothing. */
export interface Home {
  /** `config.yaml`, `plugins/`, `trust_store.json`. */
  readonly configDir: string
  /** Databases, the content store, logs. */
  readonly stateDir: string
  /** Unix sockets and locks; mode 0700. */
  readonly runtimeDir: string
  /** Shared memory; mode 0700. Always on /dev/shm: a page that is written back to a disk would stall the loop. */
  readonly shmDir: string
  readonly configFile: string
  readonly pluginDir: string
  readonly trustStore: string
  /** The content store: what was verified, each under its SHA-256. */
  readonly storeDir: string
  /** Decisions and what became of them: the host's database. */
  readonly database: string
  /** What the calls of plugins came to: a file of its own, without which the rig drives all the same. */
  readonly historyFile: string
  /** The Unix socket of a service. */
  socket(service: string): string
}

/** Finds the home from the environment: OPENRACING_HOME, else the XDG directories. Creates nothing. */
export function findHome(environment: NodeJS.ProcessEnv): Home {
  const root = environment.OPENRACING_HOME
  const underRoot = (name: string): string => resolve(root as string, name)
  const xdg = (variable: string, fallback: string): string => join(environment[variable] || fallback, 'openracing')
  const configDir = root ? resolve(root) : xdg('XDG_CONFIG_HOME', join(homedir(), '.config'))
  const stateDir = root ? underRoot('state') : xdg('XDG_STATE_HOME', join(homedir(), '.local', 'state'))
  const runtimeDir = root ? underRoot('run') : xdg('XDG_RUNTIME_DIR', join(tmpdir(), `openracing-runtime-${userId()}`))
  const id = createHash('sha256').update(runtimeDir).digest('hex').slice(0, 12)
  return {
    configDir,
    stateDir,
    runtimeDir,
    shmDir: `/dev/shm/openracing-${id}`,
    configFile: join(configDir, 'config.yaml'),
    pluginDir: join(configDir, 'plugins'),
    trustStore: join(configDir, 'trust_store.json'),
    storeDir: join(stateDir, 'store'),
    database: join(stateDir, 'state.db'),
    historyFile: join(stateDir, 'history.db'),
    socket(service) {
      const path = join(runtimeDir, apart.has(service) ? service : '', `${service}.sock`)
      if (Buffer.byteLength(path) > socketPathMax) {
        throw new RigError(
          'CONFIG_INVALID',
          `the socket path ${path} has ${Buffer.byteLength(path)} bytes, more than the ${socketPathMax} that the system allows; set OPENRACING_HOME or XDG_RUNTIME_DIR to a shorter directory`,
        )
      }
      return path
    },
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Level by level: where a level cannot be made (/proc/x), node's own `recursive` tries for ever. */
function makeLevels(path: string): void {
  if (isDirectory(path)) return
  makeLevels(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    if (!isDirectory(path)) throw cause // else another process was faster
  }
}

/** Does `act` for the directory `path`; what stands in the way is told in one sentence. `be`: what it cannot be. */
function forDirectory(path: string, be: string, act: () => void): void {
  try {
    act()
  } catch (cause) {
    throw new RigError(
      systemFailure(cause, 'CONFIG_INVALID'),
      `the directory ${path} cannot be ${be} (${(cause as Error).message}); set OPENRACING_HOME to one that can be written`,
      { cause },
    )
  }
}

/** Creates a directory with what is above it. */
const makeDirectory = (path: string): void => forDirectory(path, 'made', () => makeLevels(path))

/** Refuses a directory in which this user cannot create files: better now than in the middle of a race. */
const checkWritable = (path: string): void =>
  forDirectory(path, 'written', () => accessSync(path, constants.W_OK | constants.X_OK))

/**
 * Creates a directory that is this user's alone, or makes it so. PERMISSION_DENIED when it is somebody else's: /tmp and
 * /dev/shm are open to everybody, and who owns the directory owns the sockets in it.
 */
export function makePrivateDirectory(path: string): void {
  makeDirectory(path)
  const found = lstatSync(path)
  if (!found.isDirectory() || found.uid !== userId()) {
    throw new RigError(
      'PERMISSION_DENIED',
      `${path} belongs to user ${found.uid}, or is no directory; remove it, or set OPENRACING_HOME to another directory`,
    )
  }
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700)
  checkWritable(path)
}

/** Creates the directories of a home that are missing, private to the user. */
export function createHome(home: Home): void {
  for (const directory of [home.configDir, home.pluginDir, home.stateDir]) {
    makeDirectory(directory)
  }
  checkWritable(home.stateDir)
  makePrivateDirectory(home.runtimeDir)
  makePrivateDirectory(home.shmDir)
}
