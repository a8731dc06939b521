// Owns telling what an agent is asked to sign: a login by publickey, or a signature of a file (SSHSIG). Knows nothing of keys
// that may sign it.
import { keyTypeOf } from '../auth/signature-names.ts'
import { WireError } from '../errors.ts'
import { sameBlob } from '../keys/public.ts'
import { bytes, decode, struct, text } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'

export interface LoginRequest {
  readonly sessionId: Uint8Array
  readonly user: string
  /** The server's key, when the request names it. */
  readonly hostKey: Uint8Array | undefined
}

const userauthRequest = 50

const orUndefined = <T>(read: () => T | undefined): T | undefined => {
  try {
    return read()
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/** The login that `data` is the signed part of (RFC 4252 §7, OpenSSH PROTOCOL §3.1), with the key `publicKey`; else `undefined`. */
export const loginRequest = (data: Uint8Array, publicKey: Uint8Array): LoginRequest | undefined =>
  orUndefined(() => {
    const reader = new Reader(data)
    const sessionId = reader.string()
    const number = reader.byte()
    const [user, service, method] = [reader.text(), reader.text(), reader.text()]
    const signed = reader.byte()
    const algorithm = reader.text()
    const key = reader.string()
    const named = method === 'publickey-hostbound-v00@openssh.com'
    const hostKey = named ? reader.string() : undefined
    reader.finish()
    const isOne =
      sessionId.length > 0 &&
      number === userauthRequest &&
      service === 'ssh-connection' &&
      (named || method === 'publickey') &&
      signed === 1 &&
      sameBlob(key, publicKey) &&
      keyTypeOf(algorithm) === new Reader(publicKey).text()
    return isOne ? { sessionId, user, hostKey } : undefined
  })

const fileSignature = struct({ namespace: text, reserved: bytes, hash: text, digest: bytes })
const fileMagic = new TextEncoder().encode('SSHSIG')

/** True when `data` is what an SSHSIG signature is made over. */
export const isFileSignature = (data: Uint8Array): boolean =>
  sameBlob(data.subarray(0, fileMagic.length), fileMagic) &&
  orUndefined(() => decode(fileSignature, data.subarray(fileMagic.length))) !== undefined
