// Owns the one interface for whatever can sign with a key, and the signer over a private key in memory. Knows nothing of
// agents, files or sessions.
import type { SignatureAlgorithm } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import { signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { CryptoProvider, SigningKey } from '../crypto/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { encode } from '../wire/codec.ts'
import { keyTypeOfNumbers, type PrivateKey } from './private.ts'
import type { PublicKey } from './public.ts'
import { signatureBlob } from './verify.ts'

/** A key that can sign, wherever its private half is. */
export interface Signer {
  readonly publicKey: PublicKey
  /**
   * Names of the signature algorithms it can make, strongest first. Insecure ones (`ssh-rsa`, `ssh-dss`) are among them,
   * last: who picks one must first have been told that they may be used.
   */
  readonly algorithms: readonly string[]
  /** Where the key came from: `agent`, a file name, … Shown to people. */
  readonly source: string
  /** True when signing may take a person or a device: ask the peer whether it would take the key before. */
  readonly slow: boolean
  /** True when it wants to see the server's key in a login it signs, where the server takes such logins. Default false. */
  readonly namesHost?: boolean
  /**
   * A whole signature blob (`string algorithm, string signature`). Throws `TypeError` for an algorithm not among `algorithms`.
   * A login goes on with the next key when it rejects with `AgentError` AGENT_REFUSED or with a `KeyFormatError`.
   */
  sign(data: Uint8Array, algorithm: string): Uint8Array | Promise<Uint8Array>
}

export interface SignerOptions {
  /** RSA keys with fewer bits are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** The algorithms it may sign with. Default: all we know. */
  readonly algorithms?: readonly SignatureAlgorithm[]
}

export const inToken = (source: string): KeyFormatError =>
  new KeyFormatError(
    'KEY_UNSUPPORTED',
    `The key of ${source} lies in a security key, which cannot be used here. Load it into an agent that has the token, with ssh-add, and use that agent.`,
  )

export const weakKey = (source: string, weakness: string): KeyFormatError =>
  new KeyFormatError('KEY_TOO_WEAK', `The key of ${source} ${weakness}, so it is not used. Make a new one: ssh-keygen -t ed25519`)

const openKey = (crypto: CryptoProvider, key: PrivateKey, source: string): SigningKey => {
  const numbers = key.revealNumbers()
  const { signingKey } = keyTypeOfNumbers(numbers)
  if (signingKey === undefined) throw inToken(source)
  try {
    return signingKey(crypto, numbers)
  } catch (cause) {
    // A runtime that cannot use this kind of key says so itself.
    if (cause instanceof KeyFormatError) throw cause
    throw new KeyFormatError('KEY_MALFORMED', `The key of ${source} has numbers that do not make a ${key.type} key.`, undefined, { cause })
  }
}

/**
 * A signer over a private key. Throws `KeyFormatError` (KEY_TOO_WEAK for RSA below 2048 bits, KEY_MALFORMED for numbers
 * that are no key, KEY_UNSUPPORTED where the runtime cannot sign with such a key, and for keys that lie in a security key).
 */
export const createSigner = (crypto: CryptoProvider, key: PrivateKey, source: string, options: SignerOptions = {}): Signer => {
  const numbers = key.revealNumbers()
  const weakness = tooWeak(numbers, options.minimumRsaBits)
  if (weakness !== undefined) throw weakKey(source, weakness)
  const rows = (options.algorithms ?? signatureAlgorithms).filter(row => row.keyType === key.type)
  const signing = openKey(crypto, key, source)
  const sign = (data: Uint8Array, algorithm: string): Uint8Array | Promise<Uint8Array> => {
    const row = rows.find(each => each.name === algorithm)
    if (row?.sign === undefined) throw new TypeError(`a ${key.type} key cannot sign as ${algorithm}`)
    const whole = (signature: Uint8Array): Uint8Array => encode(signatureBlob, { algorithm: row.name, signature })
    const signature = row.sign(signing, data)
    return signature instanceof Uint8Array ? whole(signature) : signature.then(whole)
  }
  return { publicKey: key.publicKey, algorithms: rows.map(row => row.name), source, slow: false, sign }
}
