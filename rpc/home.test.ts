import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RigError } from './failure.ts'
import { createHome, findHome, makePrivateDirectory } from './home.ts'
import { claimService } from './serve.ts'

const temporary = (): string => mkdtempSync(join(tmpdir(), 'openracing-home-'))

test('OPENRACING_HOME puts configuration, plugins, trust store, state and sockets under one directory', () => {
  const home = findHome({ OPENRACING_HOME: '/rig', XDG_CONFIG_HOME: '/elsewhere' })
  assert.equal(home.configFile, '/rig/config.yaml')
  assert.equal(home.pluginDir, '/rig/plugins')
  assert.equal(home.trustStore, '/rig/trust_store.json')
  assert.equal(home.stateDir, '/rig/state')
  assert.equal(home.socket('host'), '/rig/run/host.sock')
})

test('without it the XDG directories are used, and two runtime directories never share memory', () => {
  const home = findHome({ XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/r' })
  assert.equal(home.configFile, '/c/openracing/config.yaml')
  assert.equal(home.stateDir, '/s/openracing')
  assert.equal(home.socket('trust'), '/r/openracing/trust.sock')
  assert.match(home.shmDir, /^\/dev\/shm\/openracing-[0-9a-f]{12}$/)
  assert.notEqual(home.shmDir, findHome({ XDG_RUNTIME_DIR: '/r2' }).shmDir)
})

test('sockets and shared memory are for this user alone, also where a directory was open to others', () => {
  const home = findHome({ OPENRACING_HOME: temporary() })
  mkdirSync(home.runtimeDir)
  chmodSync(home.runtimeDir, 0o777)
  createHome(home)
  for (const directory of [home.runtimeDir, home.shmDir]) assert.equal(statSync(directory).mode & 0o777, 0o700)
  rmSync(home.shmDir, { recursive: true })
  rmSync(home.configDir, { recursive: true })
})

test('a runtime directory that is a link is refused, with what to do', () => {
  const directory = temporary()
  symlinkSync(directory, join(directory, 'run'))
  assert.throws(
    () => makePrivateDirectory(join(directory, 'run')),
    (error: RigError) => {
      assert.equal(error.code, 'PERMISSION_DENIED')
      assert.match(error.detail, /remove it, or set OPENRACING_HOME/)
      return true
    },
  )
  rmSync(directory, { recursive: true })
})

test('what stands where a directory, a lock or a socket is to be is told in one sentence', () => {
  const home = findHome({ OPENRACING_HOME: temporary() })
  mkdirSync(home.socket('host'), { recursive: true })
  mkdirSync(`${home.socket('trust')}.lock`)
  writeFileSync(home.stateDir, '')
  const told = (path: string) => (error: RigError) => error.code === 'CONFIG_INVALID' && error.detail.includes(path)
  assert.throws(() => claimService(home, 'host'), told(home.socket('host')))
  assert.throws(() => claimService(home, 'trust'), told(`${home.socket('trust')}.lock`))
  assert.throws(() => createHome(home), told(home.stateDir))
  rmSync(home.configDir, { recursive: true })
})

const skip = userInfo().uid === 0 ? false : 'only root can give a directory to somebody else'
test('a runtime directory of another user is refused', { skip }, () => {
  const directory = temporary()
  chownSync(directory, 65_534, 65_534)
  assert.throws(() => makePrivateDirectory(directory), /PERMISSION_DENIED: .* belongs to user 65534/)
  rmSync(directory, { recursive: true })
  assert.ok(!existsSync(directory))
})
