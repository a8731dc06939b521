// Owns the certificates a client on Node shows: reading `-cert.pub` files, and joining each to a signer of its key. Knows
// nothing of which files there are, nor of the order keys are offered in.
import { readFile } from 'node:fs/promises'
import { SshError } from '../errors.ts'
import { type Certificate, isCertificateType, parseCertificate } from '../keys/certificate.ts'
import { certifiedSigner } from '../keys/certified-signer.ts'
import { parsePublicKeyLine } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'

export interface CertificateFile {
  readonly path: string
  readonly certificate: Certificate
}

const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

/** Why a certificate is not shown; `undefined` when it may be. Whether it is valid now is for the server to say, as with OpenSSH. */
const unusable = (certificate: Certificate): string | undefined =>
  certificate.kind === 'user' ? undefined : 'is that of a host, which nobody can log in with'

/** The user certificate in a file, or `undefined`: with a note when there is one that cannot be used, or when it was `named` and is not there. */
export const readCertificateFile = async (
  path: string,
  options: { readonly named: boolean; readonly onNote?: ((note: string) => void) | undefined },
): Promise<CertificateFile | undefined> => {
  try {
    const line = await readText(path)
    if (line === undefined) {
      if (options.named) options.onNote?.(`The certificate file ${path} does not exist.`)
      return undefined
    }
    const key = parsePublicKeyLine(line, path)
    if (!isCertificateType(key.type)) {
      options.onNote?.(`The file ${path} has a key and no certificate, so no certificate is shown.`)
      return undefined
    }
    const certificate = parseCertificate(key.blob)
    const problem = unusable(certificate)
    if (problem !== undefined) options.onNote?.(`The certificate in ${path} ${problem}, so it is not shown.`)
    return problem === undefined ? { path, certificate } : undefined
  } catch (error) {
    options.onNote?.(`The certificate file ${path} is not used: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** A signer that shows the certificate, over one of these that has its key; `undefined` when none has. */
export const signerFor = ({ path, certificate }: CertificateFile, signers: readonly Signer[]): Signer | undefined => {
  const signer = signers.find(each => certificate.key.equals(each.publicKey))
  if (signer === undefined) return undefined
  try {
    return { ...certifiedSigner(signer, certificate), source: path }
  } catch (error) {
    if (error instanceof SshError) return undefined
    throw error
  }
}
