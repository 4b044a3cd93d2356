import type { Logger } from 'pino'
import {
  ArchiveFormat,
  InstallOptions,
  type InstallPluginRequest,
  type InstallPluginResponse,
  InstallStage,
  type PluginInstallServiceServer,
  PluginInstallServiceService,
} from '../../gen/proto/openracing/v1/install.ts'
import { invalidField, RigError } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { duplexStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { Installer, InstallProgress, InstallRequest, InstallStep } from './installer.ts'
import type { ArchiveFormat as Format } from './unpack.ts'

/** Largest piece of an archive, bytes. */
const pieceBytesMax = 1 << 20

const formatOf: Readonly<Partial<Record<ArchiveFormat, Format>>> = {
  [ArchiveFormat.ARCHIVE_FORMAT_TAR_GZ]: 'tar.gz',
  [ArchiveFormat.ARCHIVE_FORMAT_ZIP]: 'zip',
}

const stageOf: Readonly<Record<InstallProgress['stage'], InstallStage>> = {
  receiving: InstallStage.INSTALL_STAGE_RECEIVING,
  unpacking: InstallStage.INSTALL_STAGE_UNPACKING,
  verifying: InstallStage.INSTALL_STAGE_VERIFYING,
  installing: InstallStage.INSTALL_STAGE_INSTALLING,
}

const invalid = (sentence: string): RigError => new RigError('REQUEST_INVALID', sentence)

function requestOf({ format, archiveBytes, ...options }: InstallOptions): InstallRequest {
  const known = formatOf[format]
  if (known === undefined) throw invalidField('format', `is ${format}; give 1 for .tar.gz or 2 for .zip`)
  return { ...options, format: known, archiveBytes: Number(archiveBytes) }
}

async function* piecesOf(requests: AsyncIterator<InstallPluginRequest>): AsyncGenerator<Uint8Array> {
  for await (const { part } of { [Symbol.asyncIterator]: () => requests }) {
    if (part?.$case !== 'archive')
      throw invalid('a request after the first is no piece of the archive; send pieces alone')
    const { length } = part.value
    if (length > pieceBytesMax) throw invalid(`a piece has ${length} bytes, and the most is ${pieceBytesMax}; cut it`)
    yield part.value
  }
}

function messageOf(step: InstallStep): InstallPluginResponse {
  if ('result' in step) return { part: { $case: 'result', value: step.result } }
  const { stage, bytesDone, bytesTotal } = step.progress
  const value = { stage: stageOf[stage], bytesDone: BigInt(bytesDone), bytesTotal: BigInt(bytesTotal) }
  return { part: { $case: 'progress', value } }
}

/** PluginInstallService. Installing brings code onto the rig: it is for those who may enter its runtime directory. */
export function installService({ install, uninstall, rollback }: Installer, log: Logger): ServiceBinding {
  async function* answer(
    requests: AsyncIterable<InstallPluginRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<InstallPluginResponse, void, undefined> {
    const all = requests[Symbol.asyncIterator]()
    const first = await all.next()
    const part = first.done === true ? undefined : first.value.part
    if (part?.$case !== 'options') throw invalid('the first request has no options; send first what is to be installed')
    const request = requestOf(InstallOptions.fromPartial(part.value))
    for await (const step of install(request, piecesOf(all), signal)) yield messageOf(step)
  }

  const implementation: PluginInstallServiceServer = {
    installPlugin: duplexStream(answer, log),
    uninstallPlugin: unary(async ({ plugin }) => {
      return { result: await uninstall(plugin) }
    }, log),
    rollbackPlugin: unary(async ({ plugin }) => {
      return { result: await rollback(plugin) }
    }, log),
  }
  return bind(PluginInstallServiceService, implementation)
}
