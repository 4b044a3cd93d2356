import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Frozen } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Config } from './config.ts'
import type { ConfigCheck } from './config-check.ts'
import { type Verified, verifiedBy, verifyRequest } from './load-request.ts'
import { readManifestText } from './manifest.ts'
import { resolveArtefact } from './manifest-artefact.ts'
import type { NewestVersions } from './newest-versions.ts'
import { readPluginConfig } from './plugin-config.ts'
import type { Runnable } from './plugin-plan.ts'
import type { PluginServices } from './plugin-services.ts'

/** Why something waits for a service. */
export const serviceMissing = (service: string): RigError =>
  new RigError('SERVICE_UNAVAILABLE', `${service} does not run; it is being started`)

/** Says whether a service serves. */
export type IsServing = (service: string) => boolean

/** Throws SERVICE_UNAVAILABLE while it does not. */
export function needServing(isServing: IsServing, service: string): void {
  if (!isServing(service)) throw serviceMissing(service)
}

/** A plugin that may run, and with what. */
export interface Judged {
  readonly verified: Verified
  /** Its config.json, checked and completed by its schema. */
  readonly configJson: string
}

/** Judges a plugin as it lies on the disk now. Throws what is wrong with it. */
export type Judge = (plugin: Runnable) => Promise<Judged>

export interface JudgeNeeds {
  readonly native: Frozen<Config['plugins']['native']>
  readonly services: Pick<PluginServices, 'verify'>
  readonly isServing: IsServing
  readonly configs: Pick<ConfigCheck, 'check'>
  readonly versions: Pick<NewestVersions, 'of'>
}

/** Throws PLUGIN_INVALID. `expected`: what the manifest says the artefact is; null where it says nothing. */
export function checkChecksum(artefact: string, expected: string | null, found: string): void {
  if (expected === null || expected === found.toLowerCase()) return
  throw new RigError(
    'PLUGIN_INVALID',
    `${artefact} has the SHA-256 ${found}, and its manifest says ${expected}; install the file that the manifest describes, or correct its checksum`,
  )
}

/** Bytes run by the manifest that lies beside them, and by no other. Throws MANIFEST_INVALID. */
function checkManifest({ path, manifestFile }: Runnable): void {
  if (manifestFile === null) return
  const file = join(path, manifestFile.name)
  const found = createHash('sha256').update(readManifestText(file)).digest('hex')
  if (found === manifestFile.sha256) return
  throw new RigError(
    'MANIFEST_INVALID',
    `${file} is not what was read before; \`wheelctl plugin reload\` reads it again`,
  )
}

export const createJudge =
  ({ native, services, isServing, configs, versions }: JudgeNeeds): Judge =>
  async (plugin) => {
    const { path, manifest } = plugin
    needServing(isServing, 'trust')
    checkManifest(plugin)
    const artefact = resolveArtefact(path, manifest.artefact)
    const verified = verifiedBy(
      await services.verify(verifyRequest(artefact, plugin, native, versions.of(manifest.id))),
    )
    checkChecksum(join(path, manifest.artefact), manifest.checksum, verified.sha256)
    const config = await readPluginConfig(path, manifest.configSchema as object | null, configs)
    return { verified, configJson: JSON.stringify(config) }
  }
