// Owns what the tests of key exchange share: seeded randomness, runs of both roles, and both sides of an exchange joined
// in memory.
import { createHash } from 'node:crypto'
import { safeGroups } from '../../../src/algorithms/kex/groups.ts'
import type { Compute, KexMethod, KexProof, KexResult, KexRun, KexServerRun } from '../../../src/algorithms/rows.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import type { Random } from '../../../src/crypto/provider.ts'
import type { Dialogue } from '../../../src/wire/dialogue.ts'
import { converse } from '../../dialogue.ts'

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const toNumber = (magnitude: Uint8Array): bigint => BigInt(`0x0${toHex(magnitude)}`)
export const toMagnitude = (number: bigint): Uint8Array => {
  const digits = number.toString(16)
  return hex(digits.length % 2 === 1 ? `0${digits}` : digits)
}

export const kexCrypto = nodeCrypto()
export const sha512 = (...pieces: readonly Uint8Array[]): Uint8Array => kexCrypto.hash('sha512', ...pieces)

/** Random bytes that are the same for the same seed. */
export const seeded = (seed: string): Random => {
  let count = 0
  return bytes => void bytes.set(createHash('shake256', { outputLength: bytes.length }).update(`${seed} ${count++}`).digest())
}

/** Exactly these random bytes, once. */
export const fixedRandom = (value: Uint8Array): Random => {
  let taken = false
  return bytes => {
    if (taken || value.length !== bytes.length) throw new Error(`${bytes.length} random bytes were asked for`)
    bytes.set(value)
    taken = true
  }
}

export const run = (role: 'client' | 'server', change: Partial<KexRun> = {}): KexRun => ({
  crypto: kexCrypto,
  random: seeded(role),
  role,
  groupSizes: { min: 2048, preferred: 3072, max: 8192 },
  groups: safeGroups,
  ...change,
})

export const proof: KexProof = { hostKey: hex('00aa'), signature: hex('00bb') }

/** A server run; what it proves is kept in `proved`. */
export const serverRun = (change: Partial<KexRun> = {}, proved: KexResult[] = []): KexServerRun => ({
  ...run('server', change),
  *prove(result): Dialogue<KexProof> {
    proved.push({ secret: result.secret.slice(), hashed: result.hashed.slice() })
    return proof
  },
})

export const computes = (question: never): unknown => (question as Compute<unknown>).compute()

/** Both sides of one exchange. */
export const both = async (method: KexMethod, client: Partial<KexRun> = {}, server: Partial<KexRun> = {}) => {
  const proved: KexResult[] = []
  const { left, right, transcript } = await converse(
    { dialogue: method.client(run('client', client)), answer: computes },
    { dialogue: method.server(serverRun(server, proved)), answer: computes },
  )
  return { client: left, server: right, proved, transcript }
}
