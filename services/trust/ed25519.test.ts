import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { fingerprint, isAcceptableKey, isStrict, parsePublicKey, verifyStrict } from './ed25519.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const prime = 2n ** 255n - 19n
const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n

/** 32 bytes, little-endian, with the sign bit of x. */
function encode(y: bigint, sign = 0): Buffer {
  const bytes = hex(y.toString(16).padStart(64, '0')).reverse()
  bytes[31] = (bytes[31] ?? 0) | (sign << 7)
  return bytes
}

const decode = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const sha512 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha512').update(Buffer.concat(parts)).digest()

const modulo = (value: bigint): bigint => ((value % prime) + prime) % prime

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = modulo(base), e = exponent; e > 0n; b = (b * b) % prime, e >>= 1n)
    if (e & 1n) result = (result * b) % prime
  return result
}

const inverse = (value: bigint): bigint => power(value, prime - 2n)
const d = modulo(-121665n * inverse(121666n)) // RFC 8032, 5.1

type Point = readonly [x: bigint, y: bigint]

/** The addition law of the curve, written out from RFC 8032, 5.1.4 in affine coordinates. */
function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = modulo(d * x1 * x2 * y1 * y2)
  return [modulo((x1 * y2 + x2 * y1) * inverse(1n + k)), modulo((y1 * y2 + x1 * x2) * inverse(1n - k))]
}

/** The eight points of small order, as the multiples of one of order 8. */
function smallOrderPoints(): readonly Point[] {
  const rootOfMinusOne = power(2n, (prime - 1n) / 4n)
  const y = BigInt('0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826')
  const x = modulo(rootOfMinusOne * y) // where 2P has y = 0, x² = -y²
  const points: Point[] = [[0n, 1n]]
  for (let index = 1; index < 8; index++) points.push(add(points[index - 1] as Point, [x, y]))
  assert.deepEqual(add(points[7] as Point, [x, y]), [0n, 1n], 'the generator has order 8')
  assert.equal(new Set(points.map(String)).size, 8)
  return points
}

// RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc).
const vectors = [
  {
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    key: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message: createHash('sha512').update('abc').digest('hex'),
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
] as const

for (const [index, { key, message, signature }] of vectors.entries()) {
  test(`test vector ${index + 1} of RFC 8032 verifies, and no longer with one bit changed anywhere`, () => {
    assert.equal(verifyStrict(hex(key), hex(message), hex(signature)), true)
    assert.equal(isStrict(hex(key), hex(signature)), true)
    for (const [which, bytes] of [hex(key), hex(message), hex(signature)].entries()) {
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const parts = [hex(key), hex(message), hex(signature)] as const
        const part = parts[which] as Buffer
        part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(verifyStrict(...parts), false, `part ${which}, bit ${bit}`)
      }
    }
  })
}

const [valid] = vectors

test('a signature whose S has the group order added is refused, although the equation holds', () => {
  const signature = hex(valid.signature)
  const s = decode(signature.subarray(32))
  const malleable = Buffer.concat([signature.subarray(0, 32), encode(s + groupOrder)])
  assert.equal(verifyStrict(hex(valid.key), hex(valid.message), malleable), false)
  assert.equal(isStrict(hex(valid.key), malleable), false)
  const withS = (value: bigint): Buffer => Buffer.concat([signature.subarray(0, 32), encode(value)])
  assert.deepEqual(
    [groupOrder - 1n, groupOrder].map((value) => isStrict(hex(valid.key), withS(value))),
    [true, false],
  )
})

test('no point of small order is a key, or the R of a signature, in any encoding', () => {
  const points = smallOrderPoints()
  const encodings = points.flatMap(([x, y]) => {
    const shapes = [encode(y, Number(x & 1n))]
    if (x === 0n) shapes.push(encode(y, 1)) // minus zero
    if (y + prime < 2n ** 255n) shapes.push(encode(y + prime, 0), encode(y + prime, 1))
    return shapes
  })
  // 8 canonical, 2 with a minus zero, 2 × 2 for y = 0 (both signs of x) and 2 for y = 1 beyond the prime.
  assert.equal(encodings.length, 8 + 2 + 4 + 2)
  for (const encoding of encodings) {
    assert.equal(isAcceptableKey(encoding), false, encoding.toString('hex'))
    assert.throws(() => parsePublicKey(encoding), { code: 'REQUEST_INVALID', message: /small order/ })
    // With A of small order, R = A and S = 0 the equation comes out right for one message in eight.
    for (let n = 0; n < 64; n++) {
      const signature = Buffer.concat([encoding, Buffer.alloc(32)])
      assert.equal(verifyStrict(encoding, Buffer.from([n]), signature), false)
    }
    assert.equal(isStrict(encoding, hex(valid.signature)), false)
    const signature = Buffer.concat([encoding, hex(valid.signature).subarray(32)])
    assert.equal(isStrict(hex(valid.key), signature), false)
    assert.equal(verifyStrict(hex(valid.key), hex(valid.message), signature), false)
  }
})

test('the identity signs everything where nobody looks, and nothing here', () => {
  // A = R = identity, S = 0: [0]B = R + [k]A for every k. Libraries differ by version in what they make of it.
  const identity = encode(1n)
  const signature = Buffer.concat([identity, Buffer.alloc(32)])
  assert.equal(verifyStrict(identity, Buffer.from('anything'), signature), false)
})

test('the holder of a key cannot make a signature whose R is the identity', () => {
  // S = ka mod L fulfils the equation without any secret nonce. RFC 8032, 5.1.5 for a, 5.1.7 for k.
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  const secret = BigInt.asUintN(254, decode(sha512(seed).subarray(0, 32)) & ~7n) | (1n << 254n)
  const [r, message] = [encode(1n), Buffer.from('a plugin')]
  const k = decode(sha512(r, key, message))
  const signature = Buffer.concat([r, encode((k * secret) % groupOrder)])
  assert.equal(verifyStrict(key, message, signature), false)
})

test('every y at or above the prime is refused as a key', () => {
  for (let above = 0n; above < 19n; above++) assert.equal(isAcceptableKey(encode(prime + above)), false)
})

test('32 bytes that are no point of the curve verify nothing', () => {
  const { key, message, signature } = valid
  let refused = 0
  for (let y = 2n; y < 40n; y++) if (!verifyStrict(encode(y), hex(message), hex(signature))) refused++
  assert.equal(refused, 38)
  assert.equal(verifyStrict(hex(key), hex(message), hex(signature)), true)
})

test('input of any length and content is answered and never thrown', () => {
  const bytes = fc.uint8Array({ maxLength: 80 })
  const nearly = fc.tuple(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uint8Array({ minLength: 64, maxLength: 64 }),
  )
  fc.assert(fc.property(bytes, bytes, bytes, (a, b, c) => verifyStrict(a, b, c) === false))
  fc.assert(fc.property(nearly, bytes, ([key, signature], message) => !verifyStrict(key, message, signature)))
})

test('what this runtime signs verifies, with the key as PEM and as raw bytes', () => {
  for (let round = 0; round < 20; round++) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const message = Buffer.from(`round ${round}`)
    const raw = parsePublicKey(publicKey.export({ format: 'pem', type: 'spki' }).toString())
    assert.equal(Buffer.from(raw).toString('base64url'), publicKey.export({ format: 'jwk' }).x)
    assert.equal(verifyStrict(parsePublicKey(raw), message, sign(null, message, privateKey)), true)
    assert.equal(fingerprint(raw), createHash('sha256').update(raw).digest('hex'))
  }
})

test('what is no Ed25519 public key is refused with the reason', () => {
  const ed25519 = generateKeyPairSync('ed25519')
  const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const secret = ed25519.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  assert.throws(() => parsePublicKey(secret), { code: 'REQUEST_INVALID', message: /is a private key/ })
  assert.throws(() => parsePublicKey(x25519), { code: 'REQUEST_INVALID', message: /only ed25519/ })
  assert.throws(() => parsePublicKey('ssh-ed25519 AAAA'), { code: 'REQUEST_INVALID', message: /is not PEM/ })
  assert.throws(() => parsePublicKey(new Uint8Array(31)), { code: 'REQUEST_INVALID', message: /has 31 bytes, not 32/ })
})
