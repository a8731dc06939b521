// Owns the server's own keys: which files, and loading them as OpenSSH does, so that one bad file does not stop a server
// that has a good one. Knows nothing of what they sign.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, KeyFormatError, loadSigner } from 'nacre'
import { type Certificate, certifiedSigner, isCertificateType, parseCertificate, parsePublicKeyLine, type Signer } from 'nacre/keys'
import type { HostKeyAgent } from './host-key-agent.ts'

/** Where the system keeps them. */
export const systemKeys = ['rsa', 'ecdsa', 'ed25519'].map(type => `/etc/ssh/ssh_host_${type}_key`)

export interface HostKeys {
  readonly keys: readonly Signer[]
  /** Further keys of the same types: clients are told of them, so that one can take the place of the first later. */
  readonly toCome: readonly Signer[]
  /** Sentences about files that were not used. */
  readonly warnings: readonly string[]
}

const loadCertificate = (path: string): Certificate => {
  const key = parsePublicKeyLine(readFileSync(path, 'utf8'), path)
  if (!isCertificateType(key.type)) throw new KeyFormatError('KEY_MALFORMED', `${path} has a key and no certificate.`, path)
  const certificate = parseCertificate(key.blob)
  if (certificate.kind !== 'host') throw new KeyFormatError('KEY_MALFORMED', `${path} has the certificate of a user, not of a host.`, path)
  return certificate
}

/** The host keys with their certificates (HostCertificate): each as another key, for clients that ask for certificates. */
const certify = (keys: readonly Signer[], paths: readonly string[], warnings: string[]): readonly Signer[] => {
  const certified: Signer[] = []
  for (const path of paths) {
    if (path === 'none') continue
    try {
      const certificate = loadCertificate(resolve(path))
      const key = keys.find(each => certificate.key.equals(each.publicKey))
      if (key === undefined)
        warnings.push(`No host key belongs to the host certificate ${path}: it is of ${certificate.key.fingerprint()}.`)
      else if (certified.some(each => each.publicKey.type === certificate.type))
        warnings.push(`The host certificate ${path} is not used: another of the same type stands before it.`)
      else certified.push(certifiedSigner(key, certificate))
    } catch (error) {
      warnings.push(`Could not load host certificate "${path}": ${(error as Error).message}`)
    }
  }
  return certified
}

/** The key of a file; else that of an agent, when the file names one it holds. Rejects with what is wrong with the file or the agent. */
const loadHostKey = async (path: string, minimumRsaBits: number, agent: HostKeyAgent | undefined): Promise<Signer> => {
  try {
    return await loadSigner(path, { minimumRsaBits })
  } catch (error) {
    const held = await agent?.signerFor(path)
    if (held === undefined) throw error
    return held
  }
}

/** Loads host keys. Rejects with `ConfigError` when none can be used. */
export const loadHostKeys = async (
  configured: readonly string[],
  minimumRsaBits: number,
  certificates: readonly string[] = [],
  agent?: HostKeyAgent,
): Promise<HostKeys> => {
  const usual = configured.length === 0
  if (usual && process.geteuid?.() !== 0)
    throw new ConfigError('No host key is named. Make one and name it: ssh-keygen -t ed25519 -N "" -f hostkey; then add -h hostkey.')
  const paths = usual ? systemKeys.filter(path => existsSync(path)) : configured.map(path => resolve(path))
  const keys: Signer[] = []
  const toCome: Signer[] = []
  const warnings: string[] = []
  for (const path of paths) {
    try {
      const key = await loadHostKey(path, minimumRsaBits, agent)
      if (keys.some(each => each.publicKey.type === key.publicKey.type)) toCome.push(key)
      else keys.push(key)
    } catch (error) {
      warnings.push(`Unable to load host key "${path}": ${(error as Error).message}`)
    }
  }
  if (keys.length > 0) return { keys: [...keys, ...certify(keys, certificates, warnings)], toCome, warnings }
  const looked = usual ? systemKeys : paths
  throw new ConfigError(
    [...warnings, `There is no host key that can be used (${looked.join(', ')}). Make them: ssh-keygen -A, or name one with HostKey.`].join(
      '\n',
    ),
  )
}
