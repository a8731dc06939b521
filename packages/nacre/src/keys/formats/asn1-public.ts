// Owns public keys in ASN.1: PKCS#1 and SubjectPublicKeyInfo (RFC 8017 §A.1.1, 5280 §4.1.2.7), to and from numbers. Knows
// nothing of armour.
import { integer, publicKeyInfo, sequence } from '../../crypto/der.ts'
import type { PlainPublicNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { WireError } from '../../errors.ts'
import { keyTypes } from '../../algorithms/signature/table.ts'
import { type PublicKey, publicKeyOf } from '../public.ts'
import { algorithms, curveNames, namedCurve } from './asn1-names.ts'
import { algorithmOf, DerReader, nothing, objectName } from './der.ts'

/** The key of these numbers, which pass through the checks every key passes. Throws `WireError`. */
export const plainPublicKey = (numbers: PlainPublicNumbers, comment = ''): PublicKey => {
  const types = { ed25519: 'ssh-ed25519', rsa: 'ssh-rsa', dsa: 'ssh-dss' }
  const name = numbers.kind === 'ecdsa' ? `ecdsa-sha2-${numbers.curve}` : types[numbers.kind]
  const row = keyTypes.find(each => each.name === name)
  if (row === undefined) throw new WireError(`a key of kind ${numbers.kind}, which SSH has no type for`)
  return publicKeyOf(row, numbers, comment)
}

/** RFC 8017 §A.1.1. */
export const readPublicPkcs1 = (der: DerReader): PlainPublicNumbers => {
  const fields = der.sequence()
  const [n, e] = [fields.integer(), fields.integer()]
  fields.finish()
  return { kind: 'rsa', n, e }
}

/** RFC 5280 §4.1.2.7. */
export const readSpki = (der: DerReader): PlainPublicNumbers => {
  const fields = der.sequence()
  const { name, parameters } = algorithmOf(fields)
  const content = fields.bitString()
  fields.finish()
  const inner = new DerReader(content)
  if (name === algorithms.ed25519) return { kind: 'ed25519', publicKey: content }
  if (name === algorithms.ec) return { kind: 'ecdsa', curve: namedCurve(parameters), point: content }
  if (name === algorithms.rsa) {
    const numbers = readPublicPkcs1(inner)
    inner.finish()
    return numbers
  }
  if (name !== algorithms.dsa) throw new WireError(`a key of the algorithm ${name}, which SSH has no key type for`)
  const group = parameters.sequence()
  const [p, q, g, y] = [group.integer(), group.integer(), group.integer(), inner.integer()]
  inner.finish()
  return { kind: 'dsa', p, q, g, y }
}

/** RFC 8017 §A.1.1. */
export const publicPkcs1Of = (key: Extract<PublicKeyNumbers, { kind: 'rsa' }>): Uint8Array => sequence(integer(key.n), integer(key.e))

/** RFC 5280 §4.1.2.7, as OpenSSL writes it; `undefined` for keys it has no form for. */
export const spkiOf = (key: PublicKeyNumbers): Uint8Array | undefined => {
  if (key.kind === 'rsa') return publicKeyInfo([objectName(algorithms.rsa), nothing], publicPkcs1Of(key))
  if (key.kind === 'ed25519') return publicKeyInfo([objectName(algorithms.ed25519)], key.publicKey)
  if (key.kind === 'ecdsa') return publicKeyInfo([objectName(algorithms.ec), objectName(curveNames[key.curve])], key.point)
  return undefined
}
