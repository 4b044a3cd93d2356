import compare from 'semver/functions/compare.js'
import valid from 'semver/functions/valid.js'
import { invalidField, RigError } from '../../rpc/failure.ts'

/** What an installation is to the plugins that are there: a word of the audit log. */
export type InstallKind = 'install' | 'upgrade'

/** What is asked for. */
export interface InstallWish {
  /** Install also what is not newer than what is there. */
  readonly force: boolean
  /** Only where a version of the plugin is there already. */
  readonly upgradeOnly: boolean
}

/** What an archive has, and what is there. */
export interface Offer {
  readonly name: string
  readonly version: string
  /** Of the version that is there; undefined when none is. */
  readonly installed: { readonly directory: string; readonly version: string } | undefined
}

/** How what is offered stands to what is there, for the refusal; null when it is newer. */
function notNewer(version: string, installed: string): string | null {
  if (version === installed) return 'which is installed already; give --force to install it anew'
  if (valid(version) === null || valid(installed) === null) {
    return `and which of that and the installed ${installed || 'one without a version'} is newer cannot be told; give --force to install it all the same`
  }
  const order = compare(version, installed)
  if (order > 0) return null
  if (order === 0)
    return `which is the installed ${installed} in another build; give --force to install it all the same`
  return `which is older than the installed ${installed}; go back with \`wheelctl plugin rollback\`, or give --force`
}

/** What this installation is. Throws PLUGIN_INSTALLED when what is there is not older, PLUGIN_UNKNOWN when it must be there. */
export function decideInstall({ name, version, installed }: Offer, { force, upgradeOnly }: InstallWish): InstallKind {
  if (installed === undefined) {
    if (!upgradeOnly) return 'install'
    throw new RigError('PLUGIN_UNKNOWN', `${name} is not installed, so there is nothing to upgrade; install it`)
  }
  const why = notNewer(version, installed.version)
  if (why === null || force) return 'upgrade'
  const what = version === '' ? 'without a version' : `of version ${version}`
  throw new RigError('PLUGIN_INSTALLED', `the archive has ${name} ${what}, ${why}`)
}

/** Names of the directories of plugins that are installed: each is also the name of a file wherever one is made from it. */
const directoryName = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Checks a name that somebody asks for. Throws REQUEST_INVALID. */
export function parseDirectoryName(name: string): string {
  if (directoryName.test(name)) return name
  throw invalidField(
    'name',
    `is ${JSON.stringify(name.slice(0, 80))}; give 1 to 64 small letters, digits, dots, hyphens and underscores, the first a letter or a digit`,
  )
}

/** The directory for a plugin of this name: `RPM LEDs` gets `rpm-leds`. Throws REQUEST_INVALID where nothing is left of it. */
export function directoryNameOf(pluginName: string): string {
  const name = pluginName
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9._]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64)
    .replace(/[^a-z0-9]+$/, '')
  if (name !== '') return name
  throw new RigError(
    'REQUEST_INVALID',
    `the plugin's name ${JSON.stringify(pluginName.slice(0, 80))} makes no name of a directory; give one with --name`,
  )
}
