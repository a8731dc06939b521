// Owns what guards a PuTTY file, versions 2 and 3: the key of its cipher, the key of its MAC, and the MAC. Knows nothing of the
// lines of the file. PuTTY's manual, appendix C, has the description.
import type { Argon2Name } from '../../crypto/derivation.ts'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { Writer } from '../../wire/writer.ts'

export interface Argon2Costs {
  readonly name: Argon2Name
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Uint8Array
}

/** What a file says of its protection. Version 3 that is encrypted has costs. */
export interface PpkProtection {
  readonly version: 2 | 3
  readonly argon2: Argon2Costs | undefined
}

export interface PpkKeys {
  /** 32 bytes of AES-256 and the first vector; empty for a file that is not encrypted. */
  readonly cipherKey: Uint8Array
  readonly iv: Uint8Array
  readonly macKey: Uint8Array
  wipe(): void
}

const cipherKeyBytes = 32
const ivBytes = 16
const ascii = new TextEncoder()
const none = new Uint8Array(0)

const keysOf = (cipherKey: Uint8Array, iv: Uint8Array, macKey: Uint8Array): PpkKeys => ({
  cipherKey,
  iv,
  macKey,
  wipe: () => {
    for (const each of [cipherKey, iv, macKey]) each.fill(0)
  },
})

/** Version 2: SHA-1 of a counter and the passphrase, twice; the MAC's key is SHA-1 of a name and the passphrase. */
const keysOfVersion2 = (crypto: CryptoProvider, passphrase: Uint8Array, encrypted: boolean): PpkKeys => {
  const macKey = new Uint8Array(crypto.hash('sha1', ascii.encode('putty-private-key-file-mac-key'), passphrase))
  if (!encrypted) return keysOf(none, none, macKey)
  const halves = [0, 1].map(counter => crypto.hash('sha1', Uint8Array.of(0, 0, 0, counter), passphrase))
  const cipherKey = Uint8Array.of(...halves[0], ...halves[1].subarray(0, cipherKeyBytes - 20))
  for (const half of halves) half.fill(0)
  return keysOf(cipherKey, new Uint8Array(ivBytes), macKey)
}

/** The keys of a file that is not encrypted. */
export const openKeys = (crypto: CryptoProvider, { version }: PpkProtection): PpkKeys =>
  version === 2 ? keysOfVersion2(crypto, none, false) : keysOf(none, none, none)

/** The keys that a passphrase gives. */
export const lockedKeys = async (crypto: CryptoProvider, protection: PpkProtection, passphrase: Uint8Array): Promise<PpkKeys> => {
  const { argon2 } = protection
  if (argon2 === undefined) return keysOfVersion2(crypto, passphrase, true)
  const { name, memory, passes, parallelism, salt } = argon2
  const all = await crypto.derive({ kind: name, memory, passes, parallelism }, passphrase, salt, cipherKeyBytes + ivBytes + 32)
  return keysOf(all.subarray(0, 32), all.subarray(32, 48), all.subarray(48))
}

/** What the MAC is over. */
export interface MacInput {
  readonly type: string
  readonly encryption: string
  readonly comment: Uint8Array
  readonly publicBlob: Uint8Array
  /** In clear, with its padding. */
  readonly privateBlob: Uint8Array
}

export const macOf = (crypto: CryptoProvider, { version }: PpkProtection, macKey: Uint8Array, input: MacInput): Uint8Array => {
  const size = input.comment.length + input.publicBlob.length + input.privateBlob.length
  const writer = new Writer(size + 256)
  writer.text(input.type)
  writer.text(input.encryption)
  writer.string(input.comment)
  writer.string(input.publicBlob)
  writer.string(input.privateBlob)
  const mac = new Uint8Array(crypto.hmac(version === 2 ? 'sha1' : 'sha256', macKey).digest(writer.written()))
  writer.written().fill(0)
  return mac
}
