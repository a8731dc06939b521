// Owns making keys of passphrases over node:crypto, in libuv's threads; bcrypt, which Node lacks, in slices. Knows nothing of
// key files.
import crypto, { pbkdf2, scrypt } from 'node:crypto'
import type { Derivation } from '../derivation.ts'
import { plain } from './plain.ts'

/** What node:crypto calls with a result. */
type Answer = (error: Error | null, key: Uint8Array) => void

const answered = (work: (answer: Answer) => void): Promise<Uint8Array> =>
  new Promise((resolve, reject) => work((error, key) => (error === null ? resolve(plain(key)) : reject(error))))

/** After what came in meanwhile. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** scrypt's own count of its memory, RFC 7914 §6, and room for what OpenSSL counts beside it. */
const scryptMemory = ({ cost, blockSize, parallelism }: Extract<Derivation, { kind: 'scrypt' }>): number =>
  128 * blockSize * (cost + parallelism + 2) + (1 << 16)

export const derive = async (by: Derivation, passphrase: Uint8Array, salt: Uint8Array, size: number): Promise<Uint8Array> => {
  switch (by.kind) {
    case 'bcrypt': {
      // Most processes never open such a key, and it takes a moment to load.
      const { bcryptPbkdf } = await import('../bcrypt.ts')
      return await bcryptPbkdf(passphrase, salt, by.rounds, size, turn)
    }
    case 'pbkdf2':
      return await answered(answer => pbkdf2(passphrase, salt, by.iterations, size, by.hash, answer))
    case 'scrypt': {
      const costs = { N: by.cost, r: by.blockSize, p: by.parallelism, maxmem: scryptMemory(by) }
      return await answered(answer => scrypt(passphrase, salt, size, costs, answer))
    }
    default: {
      const costs = { parallelism: by.parallelism, tagLength: size, memory: by.memory, passes: by.passes }
      return await answered(answer => crypto.argon2(by.kind, { message: passphrase, nonce: salt, ...costs }, answer))
    }
  }
}
