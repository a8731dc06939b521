// Owns a private key as it is handed to an agent, alone or with a certificate (RFC 9987 §3.2, OpenSSH PROTOCOL.certkeys).
// Knows nothing of constraints, or of what the agent does with it.
import { keyTypes } from '../algorithms/signature/table.ts'
import type { PrivateKeyNumbers } from '../crypto/provider.ts'
import { KeyFormatError, WireError } from '../errors.ts'
import { type Certificate, parseCertificate } from '../keys/certificate.ts'
import { isCertificateType } from '../keys/certificate-names.ts'
import { keyTypeOfNumbers, PrivateKey } from '../keys/private.ts'
import { type PublicKey, sameBlob } from '../keys/public.ts'
import { type Codec, decode } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

/** A private key for an agent. With a certificate it is another key than without: an agent may hold both. */
export interface AgentIdentity {
  readonly key: PrivateKey
  readonly certificate: Certificate | undefined
}

/**
 * The private fields of a key: how many strings at their start a certificate says already, so that they are left out behind one,
 * and what follows those, a letter each: a string or a byte.
 */
const privateShapes: Readonly<Record<PrivateKeyNumbers['kind'], { readonly said: number; readonly behind: string }>> = {
  ed25519: { said: 0, behind: 'ss' },
  ecdsa: { said: 2, behind: 's' },
  rsa: { said: 2, behind: 'ssss' },
  dsa: { said: 4, behind: 's' },
  'sk-ed25519': { said: 0, behind: 'ssbss' },
  'sk-ecdsa': { said: 2, behind: 'sbss' },
  'mldsa44-ed25519': { said: 1, behind: 's' },
}

/** The strings that are said, as they stand in the private fields. RSA's two numbers stand the other way round there than in a public key. */
const writeSaid = (writer: Writer, key: PublicKey, count: number): void => {
  const reader = new Reader(key.blob)
  const type = reader.text()
  const strings = Array.from({ length: count }, () => reader.string())
  if (type === 'ssh-rsa') strings.reverse()
  for (const each of strings) writer.string(each)
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
  const { said, behind } = privateShapes[certificate.key.numbers.kind]
  const whole = new Writer(1024)
  writeSaid(whole, certificate.key, said)
  for (const field of behind) {
    if (field === 's') whole.string(reader.string())
    else whole.byte(reader.byte())
  }
  const key = new PrivateKey(decode(row.privateFields, whole.written()))
  if (!sameBlob(key.publicBlob, certificate.key.blob)) throw new WireError('a certificate for another key than the one beside it')
  return { key, certificate }
}

/** RFC 9987 §3.2: the type, the certificate if it is of one, and the private fields. */
export const identityFields: Codec<AgentIdentity> = {
  read: reader => {
    const type = reader.text()
    if (!isCertificateType(type)) return { key: new PrivateKey(rowOf(type).privateFields.read(reader)), certificate: undefined }
    const identity = readCertified(reader)
    if (identity.certificate?.type !== type) throw new WireError('a certificate of another type than it is said to be')
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
    for (let left = privateShapes[numbers.kind].said; left > 0; left--) fields.string()
    writer.fixed(fields.rest())
    all.bytes.fill(0)
  },
}

/** Overwrites what is secret of a key, which is of no use then. A key in a token has nothing secret here. */
export const overwriteSecrets = (numbers: PrivateKeyNumbers): void => {
  const secrets =
    numbers.kind === 'rsa'
      ? [numbers.d, numbers.iqmp, numbers.p, numbers.q]
      : numbers.kind === 'ed25519'
        ? [numbers.seed]
        : numbers.kind === 'ecdsa'
          ? [numbers.scalar]
          : numbers.kind === 'dsa'
            ? [numbers.x]
            : numbers.kind === 'mldsa44-ed25519'
              ? [numbers.seeds]
              : []
  for (const secret of secrets) secret.fill(0)
}

/** The blob an agent lists the key under. */
export const identityBlob = ({ key, certificate }: AgentIdentity): Uint8Array => certificate?.blob ?? key.publicBlob
