// Owns making keys of passphrases over @noble/hashes, in slices with a turn for everybody else in between. Knows nothing of
// key files.
import { argon2dAsync, argon2iAsync, argon2idAsync } from '@noble/hashes/argon2.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { pbkdf2Async } from '@noble/hashes/pbkdf2.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { bcryptPbkdf } from '../bcrypt.ts'
import type { Derivation } from '../derivation.ts'

const hashes = { sha1, sha224, sha256, sha384, sha512 } as const
const argon2 = { argon2d: argon2dAsync, argon2i: argon2iAsync, argon2id: argon2idAsync } as const

/** How long a slice may take, in milliseconds. */
const asyncTick = 8

/** Browsers make 4 ms of it: beside a hash of bcrypt that is bearable. */
const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0))

interface Scheduler {
  postTask?<T>(work: () => Promise<T>, options: { readonly priority: 'background' }): Promise<T>
}

/**
 * The library yields by `scheduler.yield`, where there is one, which goes on before timers and sockets have had their turn. As a
 * task in the background it goes on after them.
 */
const behindOthers = async (work: () => Promise<Uint8Array>): Promise<Uint8Array> => {
  const { scheduler } = globalThis as { readonly scheduler?: Scheduler }
  return scheduler?.postTask === undefined ? await work() : await scheduler.postTask(work, { priority: 'background' })
}

export const derive = async (by: Derivation, passphrase: Uint8Array, salt: Uint8Array, size: number): Promise<Uint8Array> => {
  switch (by.kind) {
    case 'bcrypt':
      return await bcryptPbkdf(passphrase, salt, by.rounds, size, turn)
    case 'pbkdf2':
      return await behindOthers(() => pbkdf2Async(hashes[by.hash], passphrase, salt, { c: by.iterations, dkLen: size, asyncTick }))
    case 'scrypt': {
      // All of its memory: the default stops a little short of the gibibyte.
      const maxmem = 128 * by.blockSize * (by.cost + by.parallelism + 2)
      const costs = { N: by.cost, r: by.blockSize, p: by.parallelism, dkLen: size, asyncTick, maxmem }
      return await behindOthers(() => scryptAsync(passphrase, salt, costs))
    }
    default: {
      const costs = { t: by.passes, m: by.memory, p: by.parallelism, dkLen: size, asyncTick }
      return await behindOthers(() => argon2[by.kind](passphrase, salt, costs))
    }
  }
}
