import { type LoadSafePluginRequest, PathAccess, type PathGrant } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { placeOf } from '../../network/listed-hosts.ts'
import { invalidField } from '../../rpc/failure.ts'
import type { SafeCapability } from './plugin-spec.ts'
import { matching, within } from './request-fields.ts'
import type { Preopen } from './wasi/grants.ts'

/** Directories of one plugin; the manifest's bound. */
const pathsMax = 64

const accessOf: Readonly<Record<PathAccess, Preopen['access'] | undefined>> = {
  [PathAccess.PATH_ACCESS_UNSPECIFIED]: undefined,
  [PathAccess.PATH_ACCESS_READ]: 'read',
  [PathAccess.PATH_ACCESS_READ_WRITE]: 'read_write',
}

function preopenOf({ name, path, access }: PathGrant, index: number): Preopen {
  const field = `file_system[${index}]`
  const known = accessOf[access]
  if (known === undefined)
    throw invalidField(`${field}.access`, `is ${access}; send PATH_ACCESS_READ or PATH_ACCESS_READ_WRITE`)
  return {
    name: matching(`${field}.name`, name, /^[^\p{Cc}]{1,1024}$/u, 'the path as the manifest lists it'),
    path: matching(`${field}.path`, path, /^\/[^\0]{0,4095}$/, 'an absolute path'),
    access: known,
  }
}

/** The directories that a plugin is granted. */
export function pathList(paths: readonly PathGrant[]): readonly Preopen[] {
  within('the number of paths in file_system', paths.length, 0, pathsMax)
  return paths.map(preopenOf)
}

/** Hosts of one plugin; the manifest's bound. */
const hostsMax = 64

/** The list of a manifest; what is on it the host checks again. */
export function hostList(hosts: readonly string[]): readonly string[] {
  within('the number of hosts in network', hosts.length, 0, hostsMax)
  const unknown = hosts.findIndex((host) => placeOf(host) === undefined)
  if (unknown < 0) return hosts
  throw invalidField(
    `network[${unknown}]`,
    `is ${JSON.stringify(hosts[unknown]?.slice(0, 64))}; send a host or host:port`,
  )
}

interface Granted {
  readonly capabilities: readonly string[]
  readonly fileSystem: readonly unknown[]
  readonly network: readonly unknown[]
}

/** Paths and hosts without their capabilities are a contradiction, and no grant: REQUEST_INVALID. */
export function checkGrants({ capabilities, fileSystem, network }: Granted): void {
  const has = (capability: SafeCapability): boolean => capabilities.includes(capability)
  if (fileSystem.length > 0 && !has('FileSystem'))
    throw invalidField('file_system', 'lists paths and capabilities has no FileSystem; send both or neither')
  if (network.length > 0 && !has('Network'))
    throw invalidField('network', 'lists hosts and capabilities has no Network; send both or neither')
}

/** What a plugin that has capabilities is granted. */
export function grantsOf(request: Pick<LoadSafePluginRequest, 'capabilities' | 'fileSystem' | 'network'>) {
  checkGrants(request)
  return { fileSystem: pathList(request.fileSystem), network: hostList(request.network) }
}

/** Arguments and variables of one plugin, and bytes of each. */
const wordsMax = 64
const wordBytesMax = 1024

function checkWords(field: string, words: readonly string[]): void {
  within(`the number of ${field}`, words.length, 0, wordsMax)
  for (const word of words) {
    within(`the bytes of one of ${field}`, Buffer.byteLength(word), 0, wordBytesMax)
    matching(field, word, /^[^\0]*$/, 'text without a NUL')
  }
}

/** What a program of WASI finds. */
export function programOf({ arguments: words, environment }: Pick<LoadSafePluginRequest, 'arguments' | 'environment'>) {
  checkWords('arguments', words)
  checkWords(
    'environment',
    environment.map(({ value }) => value),
  )
  for (const { name } of environment) matching('environment', name, /^[A-Za-z_]\w{0,63}$/, 'names of variables')
  return { arguments: words, environment: Object.fromEntries(environment.map(({ name, value }) => [name, value])) }
}
