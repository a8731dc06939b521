// Owns the certificates of the tests: those ssh-keygen made, an authority of our own, and damage. Knows nothing of verdicts.
import { readFileSync } from 'node:fs'
import { issueCertificate, type IssueOptions } from '../../src/keys/authority.ts'
import { type Certificate, parseCertificate } from '../../src/keys/certificate.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import { createSigner, type Signer } from '../../src/keys/signer.ts'
import { crypto, privateKey, publicKey } from './fixtures.ts'

export interface CertificateVector {
  readonly name: string
  readonly key: string
  readonly ca: string
  readonly line: string
  /** What `ssh-keygen -L` prints, without the name of the file, in UTC. */
  readonly shown: readonly string[]
}

export const certificateVectors = JSON.parse(
  readFileSync(new URL('../vectors/certificates/certificates.json', import.meta.url), 'utf8'),
) as readonly CertificateVector[]

export const blobOf = ({ line }: CertificateVector): Uint8Array => parsePublicKeyLine(line).blob

/** One that ssh-keygen made, by its name. */
export const certificateVector = (name: string): Certificate => {
  const found = certificateVectors.find(each => each.name === name)
  if (found === undefined) throw new Error(`there is no certificate "${name}"`)
  return parseCertificate(blobOf(found))
}

/** The signer of a key of the vectors. */
export const signerOf = (name: string): Signer => createSigner(crypto, privateKey(name), name, { minimumRsaBits: 1024 })

/** 2026, when most certificates of the tests are valid. */
export const inTime = Date.UTC(2026, 0, 1)

/** A certificate for ada by the authority ed25519, valid from 2020 to 2040. */
export const issue = (changes: Partial<IssueOptions> = {}): Promise<Certificate> =>
  issueCertificate({
    signer: signerOf('ed25519'),
    key: publicKey('ecdsa256'),
    kind: 'user',
    keyId: 'test',
    principals: ['ada'],
    validAfter: BigInt(Date.UTC(2020, 0, 1) / 1000),
    validBefore: BigInt(Date.UTC(2040, 0, 1) / 1000),
    random: bytes => void bytes.fill(7),
    ...changes,
  })
