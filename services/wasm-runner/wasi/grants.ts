/** What may be done beneath a directory. */
export type PathAccess = 'read' | 'read_write'

/** A directory that a plugin may use. */
export interface Preopen {
  /** What the plugin knows it as: the path as its manifest lists it. */
  readonly name: string
  /** Where it is: an absolute path. Symbolic links in it are followed, once, when the instance is made. */
  readonly path: string
  readonly access: PathAccess
}

/** All that WASI gives to one instance, beside clocks, random numbers and its log. */
export interface WasiGrants {
  readonly preopens: readonly Preopen[]
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** What an instance has when nobody granted anything. */
export const nothingGranted: WasiGrants = { preopens: [], arguments: [], environment: {} }
