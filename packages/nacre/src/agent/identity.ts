// Owns a private key as it is handed to an agent, alone or with a certificate (RFC 9987 §3.2, OpenSSH PROTOCOL.certkeys).
// Knows nothing of constraints, or of what the agent does with it.
import { keyTypes } from '../algorithms/signature/table.ts'
import type { PrivateKeyNumbers } from '../crypto/provider.ts'
import { KeyFormatError, WireError } from '../errors.ts'
import { type Certificate, parseCertificate } from '../keys/certificate.ts'
import { isCertificateType } from '../keys/certificate-names.ts'
import { keyTypeOfNumbers, PrivateKey } from '../keys/private.ts'
import { type PublicKey, sameBlob } from '../keys/public.ts'
import type { Codec } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

/** A private key for an agent. With a certificate it is another key than without: an agent may hold both. */
export interface AgentIdentity {
  readonly key: PrivateKey
  readonly certificate: Certificate | undefined
}

/** The strings at the start of a key's private fields that a certificate says already, so that they are left out behind one. */
const saidByCertificate: Readonly<Record<PrivateKeyNumbers['kind'], number>> = {
  ed25519: 0,
  ecdsa: 2,
  rsa: 2,
  dsa: 4,
  'sk-ed25519': 0,
  'sk-ecdsa': 2,
  'mldsa44-ed25519': 1,
}

/** Those strings, as they stand in the private fields. RSA's two numbers stand the other way round there than in a public key. */
const saidStrings = (key: PublicKey, count: number): Uint8Array => {
  const reader = new Reader(key.blob)
  const type = reader.text()
  const strings = Array.from({ length: count }, () => reader.string())
  if (type === 'ssh-rsa') strings.reverse()
  const writer = new Writer()
  for (const each of strings) writer.string(each)
  return writer.written()
}

const rowOf = (type: string) => {
  const row = keyTypes.find(each => each.name === type)
  if (row === undefined) throw new WireError('a key of a type that is not known')
  return row
}

const readCertified = (reader: Reader): AgentIdentity => {
  let certificate: Certificate
  try {
    certificate = parseCertificate(reader.string())
  } catch (cause) {
    if (!(cause instanceof KeyFormatError)) throw cause
    throw new WireError('a certificate of a kind that is not used', { cause })
  }
  const row = rowOf(certificate.key.type)
  if (certificate.key.numbers === undefined) throw new WireError('a certificate of a key that is not known')
  const said = saidStrings(certificate.key, saidByCertificate[certificate.key.numbers.kind])
  const whole = new Uint8Array(said.length + reader.remaining)
  whole.set(said)
  whole.set(reader.bytes.subarray(reader.offset, reader.end), said.length)
  const inner = new Reader(whole)
  const key = new PrivateKey(row.privateFields.read(inner))
  reader.offset = reader.end - inner.remaining
  if (!sameBlob(key.publicBlob, certificate.key.blob)) throw new WireError('a certificate for another key than the one beside it')
  return { key, certificate }
}

/** RFC 9987 §3.2: the type, the certificate if it is of one, and the private fields. */
export const identityFields: Codec<AgentIdentity> = {
  read: reader => {
    const start = reader.offset
    const type = reader.text()
    if (!isCertificateType(type)) return { key: new PrivateKey(rowOf(type).privateFields.read(reader)), certificate: undefined }
    const identity = readCertified(reader)
    if (identity.certificate?.type !== type) {
      reader.offset = start
      throw new WireError('a certificate of another type than it is said to be')
    }
    return identity
  },
  write: (writer, { key, certificate }) => {
    const numbers = key.revealNumbers()
    const row = keyTypeOfNumbers(numbers)
    if (certificate === undefined) {
      writer.text(row.name)
      row.privateFields.write(writer, numbers)
      return
    }
    writer.text(certificate.type)
    writer.string(certificate.blob)
    const all = new Writer(1024)
    row.privateFields.write(all, numbers)
    const fields = new Reader(all.written())
    for (let left = saidByCertificate[numbers.kind]; left > 0; left--) fields.string()
    writer.fixed(fields.rest())
    all.bytes.fill(0)
  },
}

/** The blob an agent lists the key under. */
export const identityBlob = ({ key, certificate }: AgentIdentity): Uint8Array => certificate?.blob ?? key.publicBlob
