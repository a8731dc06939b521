// Owns the choice, in runtimes whose node:crypto is not over OpenSSL (Bun, Deno), between its primitives and spare ones:
// each is tried once, at its first use, on values whose answer the spare knows. Knows no runtime by name.
import { equalBytes } from '../constant-time.ts'
import type {
  Agreement,
  CryptoProvider,
  CurveName,
  HashName,
  Random,
  SigningNumbers,
  StreamCipherName,
  VerifiableNumbers,
} from '../provider.ts'

/** What a primitive makes of fixed inputs; whatever it throws counts as an answer that differs. */
type Trial = (crypto: CryptoProvider) => Uint8Array

const attempt = (trial: Trial, crypto: CryptoProvider): Uint8Array | undefined => {
  try {
    return trial(crypto)
  } catch {
    return undefined
  }
}

/** Bytes that depend on `seed` only; the first is zero, so that they are a scalar on any curve. */
const fixed = (seed: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => (i * (2 * seed + 1) * 37) & 0xff)
const fixedRandom =
  (seed: number): Random =>
  bytes =>
    void bytes.set(fixed(seed, bytes.length))

const joined = (...pieces: readonly Uint8Array[]): Uint8Array => Uint8Array.from(pieces.flatMap(piece => [...piece]))

const refuses = (work: () => unknown): boolean => {
  try {
    work()
    return false
  } catch {
    return true
  }
}

/** Public value and secret of fixed scalars, and that a value of another kind is refused. */
const agreementTrial =
  (make: (crypto: CryptoProvider, random: Random) => Agreement, bad: (good: Uint8Array) => Uint8Array): Trial =>
  crypto => {
    const [mine, theirs] = [make(crypto, fixedRandom(1)), make(crypto, fixedRandom(2))]
    const refused = refuses(() => mine.agree(bad(theirs.publicKey)))
    return joined(mine.publicKey, mine.agree(theirs.publicKey), Uint8Array.of(Number(refused)))
  }

const offCurve = (point: Uint8Array): Uint8Array => point.with(point.length - 1, point[point.length - 1] ^ 1)

const gcmTrial =
  (keyBytes: number): Trial =>
  crypto => {
    const bytes = fixed(3, 4 + 48 + 16)
    crypto.aesGcm(fixed(4, keyBytes), 'seal').seal(fixed(5, 12), bytes, 0, 4, 52)
    const sealed = bytes.slice()
    const opened = crypto.aesGcm(fixed(4, keyBytes), 'open').open(fixed(5, 12), bytes, 0, 4, 52)
    sealed[60] ^= 1
    const forged = crypto.aesGcm(fixed(4, keyBytes), 'open').open(fixed(5, 12), sealed.slice(), 0, 4, 52)
    return joined(sealed, opened ?? Uint8Array.of(), Uint8Array.of(Number(forged === undefined)))
  }

const streamTrial =
  (name: StreamCipherName, keyBytes: number, ivBytes: number): Trial =>
  crypto => {
    const [sealed, opened] = [fixed(6, 96), fixed(7, 96)]
    const seal = crypto.streamCipher(name, fixed(8, keyBytes), fixed(9, ivBytes), 'seal')
    const open = crypto.streamCipher(name, fixed(8, keyBytes), fixed(9, ivBytes), 'open')
    for (const [start, end] of [
      [0, 32],
      [32, 96],
    ]) {
      seal.process(sealed, start, end)
      open.process(opened, start, end)
    }
    return joined(sealed, opened)
  }

const hashTrial =
  (name: HashName): Trial =>
  crypto => {
    const running = crypto.hasher(name)
    running.update(fixed(10, 300))
    return joined(crypto.hash(name, fixed(10, 100)), running.digest(), crypto.hmac(name, fixed(11, 20)).digest(fixed(12, 9), fixed(13, 70)))
  }

const hex = (digits: string): Uint8Array =>
  Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))

const isSound = (yes: boolean): Uint8Array => Uint8Array.of(Number(yes))

/** RFC 8032 §7.1, test 2. */
const ed25519Trial: Trial = crypto => {
  const publicKey = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
  const seed = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
  const signature = crypto.signingKey({ kind: 'ed25519', publicKey, seed }).sign(undefined, Uint8Array.of(0x72))
  if (!(signature instanceof Uint8Array)) return isSound(false)
  const key = crypto.verifyKey({ kind: 'ed25519', publicKey })
  const [right, wrong] = [key.verify(undefined, Uint8Array.of(0x72), signature), key.verify(undefined, Uint8Array.of(0x73), signature)]
  return joined(signature, isSound(right && !wrong))
}

/** RFC 8032 §7.1, test 2, and a point of each curve. */
const publicHalfTrial: Trial = crypto => {
  const seed = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
  const points = (['nistp256', 'nistp384', 'nistp521'] as const).map(curve =>
    crypto.publicHalf({ kind: 'ecdsa', curve, scalar: fixed(22, scalarBytes[curve]) }),
  )
  return joined(crypto.publicHalf({ kind: 'ed25519', seed }), ...points)
}

const scalarBytes: Record<CurveName, number> = { nistp256: 32, nistp384: 48, nistp521: 66 }

/** Each verifies what the other signed, with each of the hashes. */
const ecdsaTrial =
  (curve: CurveName, spare: CryptoProvider): Trial =>
  crypto => {
    const scalar = fixed(14, scalarBytes[curve])
    const point = spare.ecdh(curve, fixedRandom(14)).publicKey
    const data = fixed(15, 50)
    const sound = (signer: CryptoProvider, verifier: CryptoProvider, hash: HashName): boolean => {
      const signature = signer.signingKey({ kind: 'ecdsa', curve, point, scalar }).sign(hash, data)
      if (!(signature instanceof Uint8Array)) return false
      const key = verifier.verifyKey({ kind: 'ecdsa', curve, point })
      return key.verify(hash, data, signature) && !key.verify(hash, data.subarray(1), signature)
    }
    return isSound((['sha256', 'sha384', 'sha512'] as const).every(hash => sound(crypto, spare, hash) && sound(spare, crypto, hash)))
  }

const mlkemTrial =
  (spare: CryptoProvider): Trial =>
  crypto => {
    const side = crypto.mlkem768(fixedRandom(16))
    const toThem = spare.mlkem768Encapsulate(side.publicKey, fixedRandom(17))
    const theirs = spare.mlkem768(fixedRandom(18))
    const toUs = crypto.mlkem768Encapsulate(theirs.publicKey, fixedRandom(19))
    const sound = equalBytes(theirs.decapsulate(toUs.ciphertext), toUs.secret)
    return joined(side.publicKey, side.decapsulate(toThem.ciphertext), isSound(sound))
  }

/**
 * `native` where it does as `spare` does, and `spare` elsewhere. Finite-field exchanges are always the spare's: BoringSSL
 * takes 25 s for a key of 8192 bits, and Deno takes values that are none.
 */
export const withSpare = (native: CryptoProvider, spare: CryptoProvider): CryptoProvider => {
  const chosen = new Map<string, CryptoProvider>()
  const pick = (part: string, trial: Trial): CryptoProvider => {
    const before = chosen.get(part)
    if (before !== undefined) return before
    const expected = attempt(trial, spare)
    const given = attempt(trial, native)
    // What the spare lacks is the runtime's to give or to refuse.
    const winner = expected === undefined || (given !== undefined && equalBytes(given, expected)) ? native : spare
    chosen.set(part, winner)
    return winner
  }
  const signer = (key: VerifiableNumbers | SigningNumbers): CryptoProvider => {
    switch (key.kind) {
      case 'ed25519':
        return pick('Ed25519', ed25519Trial)
      case 'ecdsa':
        return pick(`ECDSA ${key.curve}`, ecdsaTrial(key.curve, spare))
      case 'rsa':
        return native
      // Found missing when it is used only. The spare verifies, and refuses to sign in words.
      case 'dsa':
      case 'ml-dsa-44':
        return spare
    }
  }
  const mlkem = (): CryptoProvider => pick('ML-KEM-768', mlkemTrial(spare))
  return {
    name: native.name,
    random: native.random,
    hash: (name, ...pieces) => pick(name, hashTrial(name)).hash(name, ...pieces),
    hasher: name => pick(name, hashTrial(name)).hasher(name),
    hmac: (name, key) => pick(name, hashTrial(name)).hmac(name, key),
    aesGcm: (key, direction) => pick(`AES-GCM ${key.length}`, gcmTrial(key.length)).aesGcm(key, direction),
    streamCipher: (name, key, iv, direction) =>
      pick(`${name} ${key.length} ${iv.length}`, streamTrial(name, key.length, iv.length)).streamCipher(name, key, iv, direction),
    aesBlocks: key => pick('AES', crypto => crypto.aesBlocks(fixed(20, 16))(fixed(21, 48))).aesBlocks(key),
    chachaPoly: native.chachaPoly,
    x25519: random =>
      pick(
        'X25519',
        agreementTrial(
          (crypto, from) => crypto.x25519(from),
          () => new Uint8Array(32),
        ),
      ).x25519(random),
    ecdh: (curve, random) =>
      pick(
        `ECDH ${curve}`,
        agreementTrial((crypto, from) => crypto.ecdh(curve, from), offCurve),
      ).ecdh(curve, random),
    mlkem768: random => mlkem().mlkem768(random),
    mlkem768Encapsulate: (publicKey, random) => mlkem().mlkem768Encapsulate(publicKey, random),
    dh: spare.dh,
    publicHalf: key => pick('public halves', publicHalfTrial).publicHalf(key),
    // No trial takes less than the work itself: what the runtime lacks shows when it is asked.
    derive: async (by, passphrase, salt, size) => {
      try {
        return await native.derive(by, passphrase, salt, size)
      } catch {
        return await spare.derive(by, passphrase, salt, size)
      }
    },
    generateKey: native.generateKey,
    generateMldsa44: spare.generateMldsa44,
    verifyKey: numbers => signer(numbers).verifyKey(numbers),
    signingKey: numbers => signer(numbers).signingKey(numbers),
  }
}
