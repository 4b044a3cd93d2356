import { randomBytes } from 'node:crypto'
import { fingerprint } from '../ed25519.ts'
import { addKey } from '../key-changes.ts'
import { openTrustFile } from '../trust-file.ts'

// Adds keys to the trust store in its argument until it is killed, and says the fingerprint of each that it has added.
const file = openTrustFile(process.argv[2] as string)
for (;;) {
  const raw = randomBytes(32)
  raw[31] = 0x55 // below the prime, and of no small order
  const key = { raw, fingerprint: fingerprint(raw), identifier: '', comment: '', reason: '', level: 'Trusted' } as const
  file.change((keys) => addKey(keys, { ...key, now: new Date().toISOString() }))
  process.stdout.write(`${key.fingerprint}\n`)
}
