// Owns which keys `ssh-keygen` makes and the words of its refusals. Knows nothing of files.
import { KeyFormatError } from 'nacre'
import { keyTypes } from 'nacre/algorithms'
import { nodeCrypto } from 'nacre/crypto/node'
import { generateKey, type PrivateKey } from 'nacre/keys'
import { FatalError } from '../fatal.ts'

export interface KeyChoice {
  /** The name on the wire, or a short one that several sizes share. */
  readonly type: string
  /** `ED25519`, `RSA`, … */
  readonly shortName: string
  readonly bits: number | undefined
}

const leastRsaBits = 1024
const mostRsaBits = 16_384

const checkBits = (shortName: string, bits: number): void => {
  if (shortName === 'RSA' && bits < leastRsaBits) throw new FatalError(`Invalid RSA key length: minimum is ${leastRsaBits} bits`)
  if (shortName === 'RSA' && bits > mostRsaBits) throw new FatalError(`Invalid RSA key length: maximum is ${mostRsaBits} bits`)
  if (shortName === 'ECDSA' && ![256, 384, 521].includes(bits))
    throw new FatalError('Invalid ECDSA key length: valid lengths are 256, 384 or 521 bits')
}

/** The key that -t and -b ask for. Throws `FatalError`. */
export const readKeyChoice = (type: string, bits: number | undefined): KeyChoice => {
  const row = keyTypes.find(each => each.name === type || each.shortName === type.toUpperCase())
  // Nobody makes DSA keys any more: OpenSSH has forgotten the name.
  if (row === undefined || row.shortName === 'DSA') throw new FatalError(`unknown key type ${type}`)
  if (bits !== undefined) checkBits(row.shortName, bits)
  // With a size, the short name decides, as in ssh-keygen: -t ecdsa-sha2-nistp256 -b 384 gives 384 bits.
  const named = bits !== undefined && row.shortName === 'ECDSA' ? 'ecdsa' : type
  return { type: named, shortName: row.shortName, bits: row.shortName === 'RSA' || named === 'ecdsa' ? bits : undefined }
}

/** Makes the key. Throws `FatalError` for what only a security key could make, or this Node cannot. */
export const makeKey = async ({ type, bits }: KeyChoice): Promise<PrivateKey> => {
  try {
    return await generateKey(nodeCrypto(), type, bits === undefined ? {} : { bits })
  } catch (error) {
    if (error instanceof KeyFormatError) throw new FatalError(`Key enrollment failed: ${error.message}`)
    throw error
  }
}
