import type { Logger } from 'pino'
import { footprintOf, type PkiFiles, readPem, readRevoked } from '../../pki/directory.ts'
import { RigError } from '../../rpc/failure.ts'
import type { RemoteAccess, RunningServer } from '../../rpc/serve.ts'

/** How often the directory is looked at, ms: what is revoked is out within it. */
const lookEveryMs = 500

/** Who may come from elsewhere, as the directory of the rig's CA says now. */
export interface RemoteDoor {
  readonly access: RemoteAccess
  /** Has the server follow what changes in the directory. */
  follow(server: Pick<RunningServer, 'setCredentials' | 'reviewPeers'>): void
  /** May be called twice. */
  close(): void
}

const credentialsIn = (files: PkiFiles): RemoteAccess['credentials'] => ({
  ca: readPem(files.ca),
  cert: readPem(files.serverCertificate),
  key: readPem(files.serverKey),
})

/** Serial numbers without leading zeros and in small letters, however they are written. */
const canonical = (serial: string): string => serial.toLowerCase().replace(/^0+/, '')

const readSerials = (files: PkiFiles): ReadonlySet<string> =>
  new Set(readRevoked(files).map(({ serial }) => canonical(serial)))

/** Opens `remote.listen`. Throws FILE_MISSING or CONFIG_INVALID where the directory has not what it needs. */
export function openRemoteDoor(address: string, files: PkiFiles, log: Logger): RemoteDoor {
  /** Undefined: nobody knows, so nobody is let in. */
  let revoked: ReadonlySet<string> | undefined = readSerials(files)
  const shown = [files.ca, files.serverCertificate, files.serverKey]
  const access: RemoteAccess = {
    address,
    credentials: credentialsIn(files),
    // A connection whose certificate is not known is nobody's.
    isGood: (serial) => revoked !== undefined && typeof serial === 'string' && !revoked.has(canonical(serial)),
  }
  const seen = { shown: footprintOf(shown), revoked: footprintOf([files.revoked]) }
  let timer: NodeJS.Timeout | undefined

  function lookAtRevoked(): boolean {
    const now = footprintOf([files.revoked])
    if (now === seen.revoked) return false
    seen.revoked = now
    try {
      revoked = readSerials(files)
      log.info({ revoked: revoked.size }, 'certificates are revoked')
    } catch (cause) {
      revoked = undefined
      const { message } = cause as Error
      log.error({ cause: message }, 'nobody comes in from elsewhere: which certificates are revoked cannot be read')
    }
    return true
  }

  function lookAtShown(server: Pick<RunningServer, 'setCredentials'>): void {
    const now = footprintOf(shown)
    if (now === seen.shown) return
    seen.shown = now
    try {
      server.setCredentials(credentialsIn(files))
      log.info('the certificates of the rig are other ones')
    } catch (cause) {
      const why = cause instanceof RigError ? cause.message : (cause as Error).message
      log.error({ cause: why }, 'the new certificates of the rig cannot be used; the ones before stay')
    }
  }

  return {
    access,
    follow(server) {
      timer = setInterval(() => {
        lookAtShown(server)
        if (lookAtRevoked()) server.reviewPeers()
      }, lookEveryMs)
      timer.unref()
    },
    close: () => clearInterval(timer),
  }
}
