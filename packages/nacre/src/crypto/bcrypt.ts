// Owns OpenSSH's bcrypt_pbkdf (its bcrypt_pbkdf.c has the only description): PBKDF2's loop around bcrypt, its output spread
// over the blocks. One hash at a time, with a turn for everybody else in between; the hash itself is the package's.
import { sha512 } from '@noble/hashes/sha2.js'
import bcrypt from 'bcrypt-pbkdf'

const blockBytes = 32

/** Others have their turn. */
export type Turn = () => Promise<void>

/** One block: the salt with its number, hashed `rounds` times, all results XORed. */
const block = async (password: Uint8Array, salt: Uint8Array, number: number, rounds: number, turn: Turn): Promise<Uint8Array> => {
  const numbered = new Uint8Array(salt.length + 4)
  numbered.set(salt)
  new DataView(numbered.buffer).setUint32(salt.length, number)
  const sum = new Uint8Array(blockBytes)
  const last = new Uint8Array(blockBytes)
  for (let round = 0; round < rounds; round++) {
    bcrypt.hash(password, sha512(round === 0 ? numbered : last), last)
    for (let i = 0; i < blockBytes; i++) sum[i] ^= last[i]
    await turn()
  }
  last.fill(0)
  return sum
}

/**
 * `size` bytes from `passphrase`. The event loop waits for one hash at most, some milliseconds. Throws `RangeError` for
 * what bcrypt_pbkdf refuses: nothing to hash, or more than 1024 bytes asked for.
 */
export const bcryptPbkdf = async (
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  size: number,
  turn: Turn,
): Promise<Uint8Array> => {
  if (passphrase.length === 0 || salt.length === 0 || rounds < 1 || size < 1 || size > blockBytes * blockBytes)
    throw new RangeError('bcrypt_pbkdf needs a passphrase, a salt, a round or more, and makes 1 to 1024 bytes')
  const blocks = Math.ceil(size / blockBytes)
  const used = Math.ceil(size / blocks)
  const password = sha512(passphrase)
  const key = new Uint8Array(size)
  for (let number = 0; number < blocks; number++) {
    const made = await block(password, salt, number + 1, rounds, turn)
    // Byte i of a block stands beside byte i of the other blocks.
    for (let i = 0; i < used && i * blocks + number < size; i++) key[i * blocks + number] = made[i]
    made.fill(0)
  }
  password.fill(0)
  return key
}
