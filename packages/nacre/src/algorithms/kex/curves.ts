// Owns the elliptic curves of key exchange: sizes and checks of public values and of what is agreed on. Knows nothing of
// messages or of how the secret enters hashes.
import type { Agreement, CurveName } from '../../crypto/provider.ts'
import type { KexRun } from '../rows.ts'
import { checkSize, invalidValue, onPeerValue, type Peer } from './peer-values.ts'

export interface Curve {
  /** Bytes of a public value. */
  readonly publicBytes: number
  generate(run: KexRun): Agreement
  /** The raw secret: of a size fixed by the curve. Throws `ProtocolError` for a value that must be refused. */
  agree(mine: Agreement, peer: Peer, theirs: Uint8Array): Uint8Array
}

const secretOf = (mine: Agreement, peer: Peer, what: string, theirs: Uint8Array): Uint8Array => {
  const secret = onPeerValue(peer, what, () => mine.agree(theirs))
  if (secret instanceof Promise) throw new TypeError('a curve agreement is synchronous')
  return secret
}

/** RFC 7748. An all-zero result means a point of low order and is refused (RFC 8731 §3). */
export const x25519: Curve = {
  publicBytes: 32,
  generate: run => run.crypto.x25519(run.random),
  agree(mine, peer, theirs) {
    checkSize(peer, 'X25519 public value', theirs, 32)
    const secret = secretOf(mine, peer, 'X25519 public value', theirs)
    let any = 0
    for (let i = 0; i < secret.length; i++) any |= secret[i]
    if (any === 0) throw invalidValue(`The ${peer}'s X25519 public value is a point of low order: the shared secret would be zero.`)
    return secret
  },
}

/** RFC 5656 §4: uncompressed points only (compressed ones are optional, and nobody sends them); the secret is x. */
const nist = (name: CurveName, label: string, fieldBytes: number): Curve => ({
  publicBytes: 1 + 2 * fieldBytes,
  generate: run => run.crypto.ecdh(name, run.random),
  agree(mine, peer, theirs) {
    checkSize(peer, `${label} public point`, theirs, 1 + 2 * fieldBytes)
    if (theirs[0] !== 4)
      throw invalidValue(`The ${peer}'s ${label} public point begins with ${theirs[0]}; an uncompressed point begins with 4.`)
    return secretOf(mine, peer, `${label} public point`, theirs)
  },
})

export const nistp256 = nist('nistp256', 'P-256', 32)
export const nistp384 = nist('nistp384', 'P-384', 48)
export const nistp521 = nist('nistp521', 'P-521', 66)
