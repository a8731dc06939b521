// Owns HMAC as SSH uses it (RFC 4253 §6.4, RFC 6668), whole and cut to 96 bits, each also as encrypt-then-MAC under
// OpenSSH's names. Knows nothing of ciphers. MD5 and the cut forms are insecure: only for peers that know nothing else.
import type { CryptoProvider, HashName, KeyedHash } from '../../crypto/provider.ts'
import type { Mac, PacketMac, Standing } from '../rows.ts'
import { writeUint32 } from '../../wire/uint32.ts'

class PacketHmac implements PacketMac {
  readonly #hash: KeyedHash
  readonly #tagBytes: number
  readonly #sequence = new Uint8Array(4)
  constructor(hash: KeyedHash, tagBytes: number) {
    this.#hash = hash
    this.#tagBytes = tagBytes
  }
  compute(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array {
    const number = this.#sequence
    writeUint32(number, 0, sequence)
    const tag = this.#hash.digest(number, bytes.subarray(start, end))
    return tag.length === this.#tagBytes ? tag : tag.subarray(0, this.#tagBytes)
  }
  dispose(): void {
    this.#hash.dispose?.()
  }
}

const hashBytes = { md5: 16, sha1: 20, sha256: 32, sha512: 64 } as const satisfies Partial<Record<HashName, number>>

const hmac = <const N extends string>(
  name: N,
  hash: keyof typeof hashBytes,
  standing: Standing,
  tagBytes: number = hashBytes[hash],
): Mac<N> => ({
  name,
  standing,
  // RFC 4253 §6.4, RFC 6668 §2: the key is as long as the hash.
  keyBytes: hashBytes[hash],
  tagBytes,
  encryptThenMac: name.endsWith('-etm@openssh.com'),
  create: (crypto: CryptoProvider, key) => new PacketHmac(crypto.hmac(hash, key), tagBytes),
})

export const hmacSha2256 = hmac('hmac-sha2-256', 'sha256', 'default')
export const hmacSha2512 = hmac('hmac-sha2-512', 'sha512', 'default')
export const hmacSha2256Etm = hmac('hmac-sha2-256-etm@openssh.com', 'sha256', 'default')
export const hmacSha2512Etm = hmac('hmac-sha2-512-etm@openssh.com', 'sha512', 'default')

/** As a MAC SHA-1 is not broken; it stands last, as in OpenSSH's defaults. */
export const hmacSha1 = hmac('hmac-sha1', 'sha1', 'default')
export const hmacSha1Etm = hmac('hmac-sha1-etm@openssh.com', 'sha1', 'default')

export const insecureHmacSha196 = hmac('hmac-sha1-96', 'sha1', 'insecure', 12)
export const insecureHmacSha196Etm = hmac('hmac-sha1-96-etm@openssh.com', 'sha1', 'insecure', 12)
export const insecureHmacMd5 = hmac('hmac-md5', 'md5', 'insecure')
export const insecureHmacMd5Etm = hmac('hmac-md5-etm@openssh.com', 'md5', 'insecure')
export const insecureHmacMd596 = hmac('hmac-md5-96', 'md5', 'insecure', 12)
export const insecureHmacMd596Etm = hmac('hmac-md5-96-etm@openssh.com', 'md5', 'insecure', 12)
