import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import {
  Decision,
  TrustServiceClient,
  TrustServiceService,
  VerifyArtefactRequest,
  type VerifyArtefactResponse,
} from '../gen/proto/openracing/v1/trust.ts'
import { call } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import { serveOnSocket } from '../rpc/testing/on-socket.ts'
import { sealArtefact } from '../services/dsp-helper/artefact.ts'
import { sha256Of } from '../services/trust/artefact.ts'
import { openContentStore } from '../services/trust/content-store.ts'
import { trustHandlers } from '../services/trust/service.ts'
import { formatSidecar } from '../services/trust/sidecar.ts'
import { keyOf, knowing, newSigner } from '../services/trust/testing/signer.ts'
import { openTrustFile } from '../services/trust/trust-file.ts'
import { formatTrustStore } from '../services/trust/trust-store.ts'
import { readArtefact } from '../services/wasm-runner/artefact.ts'

const swapper = fileURLToPath(new URL('processes/swaps-files.ts', import.meta.url))
const [good, evil] = ['the bytes that were signed', 'the bytes of somebody else']
const rounds = 1000

/** A trust service that trusts one key, and a file which that key has signed. */
async function startTrust() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-swap-'))
  const signer = newSigner()
  const trustStore = join(root, 'trust_store.json')
  writeFileSync(trustStore, formatTrustStore(knowing(keyOf(signer, 'Trusted'))))
  mkdirSync(join(root, 'plugin'))
  const path = join(root, 'plugin', 'plugin.bin')
  writeFileSync(path, good)
  const signature = { bytes: sign(null, Buffer.from(good), signer.privateKey), fingerprint: signer.fingerprint }
  const notes = { signer: 'us', timestamp: '2024-01-15T10:30:00Z', comment: undefined }
  writeFileSync(`${path}.sig`, formatSidecar(signature, notes))

  const contents = await openContentStore(join(root, 'store'), Date.now)
  const keys = openTrustFile(trustStore)
  const handlers = trustHandlers({ keys, contents, nowMs: Date.now, log: pino({ level: 'silent' }) })
  const socket = join(root, 'trust.sock')
  const { client, close } = await serveOnSocket(socket, TrustServiceService, handlers, TrustServiceClient)
  const request = VerifyArtefactRequest.fromPartial({ path, requireSignatures: true })
  return {
    path,
    copy: join(root, 'store', sha256Of(Buffer.from(good))),
    verify: () => call<VerifyArtefactResponse>((done) => client.verifyArtefact(request, done)),
    async [Symbol.asyncDispose]() {
      await close()
      rmSync(root, { recursive: true })
    },
  }
}

/** What runs of a verified copy, in both of the services that run it. Throws where they refuse it. */
const uses: readonly ((copy: { readonly path: string; readonly sha256: string }) => Promise<string>)[] = [
  async ({ path, sha256 }) => Buffer.from(await readArtefact(path, sha256)).toString(),
  async (copy) => {
    using sealed = await sealArtefact(copy)
    return readFileSync(`/proc/self/fd/${sealed.descriptor}`, 'utf8')
  },
]

test('whoever swaps the file or its copy between check and use, other bytes never run', {
  timeout: 240_000,
}, async (t) => {
  await using trust = await startTrust()
  const child = spawn(process.execPath, [swapper, good, evil, trust.path, trust.copy], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  using _ended = { [Symbol.dispose]: () => void child.kill('SIGKILL') } // before what it writes to is removed
  await once(child.stdout, 'data')
  const seen = { ran: 0, refused: 0, stopped: 0, swapped: 0 }
  for (let round = 0; round < rounds; round++) {
    try {
      const { decision, verifiedPath: path, sha256 } = await trust.verify()
      if (decision !== Decision.DECISION_LOAD) {
        seen.refused++
        continue
      }
      assert.equal(await uses[round % uses.length]!({ path, sha256 }), good)
      seen.ran++
    } catch (cause) {
      if (!(cause instanceof RigError)) throw cause
      seen[cause.code === 'PLUGIN_UNTRUSTED' ? 'stopped' : 'swapped']++
    }
  }
  t.diagnostic(JSON.stringify(seen))
  assert.ok(seen.ran > 0 && seen.refused > 0 && seen.stopped > 0, JSON.stringify(seen))
})
