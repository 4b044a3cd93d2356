import { isIP } from 'node:net'
import { z } from 'zod'
import { hostOf } from '../../network/listed-hosts.ts'
import { filePath } from './manifest-text.ts'

/** A path that a plugin may open, when FileSystem is granted. */
export interface PathPermission {
  readonly path: string
  readonly access: 'read' | 'read_write'
}

/** What FileSystem and Network are asked for. */
export interface Permissions {
  readonly fileSystem: readonly PathPermission[]
  /** `host` or `host:port`. */
  readonly network: readonly string[]
}

const portMax = 65_535

/** Host names of RFC 1123: labels of letters, digits and hyphens. */
const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** A number that is written as a name, as `2130706433` for 127.0.0.1, is what nobody sees who reads a manifest. */
const isPlainName = (name: string): boolean =>
  hostName.test(name) && (isIP(name) === 4 || isIP(hostOf(name) ?? '0.0.0.0') === 0)

function isHostOrHostPort(text: string): boolean {
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups
  if (parts === undefined) return false
  const port = Number(parts.port ?? 1)
  if (port < 1 || port > portMax) return false
  return parts.v6 === undefined ? isPlainName(parts.name ?? '') : isIP(parts.v6) === 6
}

const isPlainPath = (path: string): boolean => path.split('/').every((part) => part !== '..')

/** A bare path is a path to read: the least that makes sense. */
const permittedPath = z.preprocess(
  (value) => (typeof value === 'string' ? { path: value } : value),
  z.strictObject({
    path: filePath('a path').refine(isPlainPath, 'write the path without .. in it'),
    access: z.enum(['read', 'read_write']).default('read'),
  }),
)

/** The longest list of paths or hosts. The user who grants it has to read it. */
const listMax = 64

export const permittedPaths = z.array(permittedPath).max(listMax)

export const permittedHosts = z
  .array(z.string().refine(isHostOrHostPort, 'write a host or host:port, such as 192.168.1.20:9000'))
  .max(listMax)
