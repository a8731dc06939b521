// Owns the identity of the machine we are on, for servers that take a host's word (hostbased): its keys in /etc/ssh, read where
// we may, signed with by OpenSSH's helper where not, and the name it has on the connection. Knows nothing of the login.
import { lookupService } from 'node:dns/promises'
import { accessSync, constants, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { ownAccount } from '../io/own-account-node.ts'
import { join } from 'node:path'
import { isCertificateType, parseCertificate } from '../keys/certificate.ts'
import { certifiedSigner } from '../keys/certified-signer.ts'
import { loadSigner } from '../keys/load-node.ts'
import { parsePublicKeyLine, type PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import type { HostIdentity, ReachedBy } from './host-identity.ts'
import { keysignSigner, usualKeysign } from './keysign-node.ts'

export interface HostKeysOptions {
  /** Signature algorithms in the order they are tried. Default: those of the keys. */
  readonly algorithms?: readonly string[] | undefined
  /** Where the machine's keys are. Default `/etc/ssh`. */
  readonly folder?: string | undefined
  /** The helper that signs; default where systems keep OpenSSH's. */
  readonly keysign?: string | undefined
  /** Told in words about keys that could not be used. */
  readonly onNote?: ((note: string) => void) | undefined
}

const kinds = ['ecdsa', 'ed25519', 'rsa', 'mldsa44_ed25519'] as const

const readLine = async (path: string): Promise<PublicKey | undefined> => {
  try {
    return parsePublicKeyLine(await readFile(path, 'utf8'), path)
  } catch {
    return undefined
  }
}

const readable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** A signer for one key: the key itself, or the helper. */
const signerOf = async (path: string, helper: string | undefined, by: ReachedBy | undefined): Promise<Signer | undefined> => {
  if (readable(path)) return await loadSigner(path)
  const publicKey = helper === undefined ? undefined : await readLine(`${path}.pub`)
  return helper === undefined || publicKey === undefined ? undefined : keysignSigner(publicKey, helper, by?.descriptor)
}

/** The same behind the machine's certificate, when it has one. */
const certified = async (path: string, signer: Signer): Promise<Signer | undefined> => {
  const line = await readLine(`${path}-cert.pub`)
  return line !== undefined && isCertificateType(line.type) ? certifiedSigner(signer, parseCertificate(line.blob)) : undefined
}

/** The name this machine has by the address of the connection, or else its own. */
const nameOf = async (by: ReachedBy | undefined): Promise<string> => {
  const address = by?.remote?.localAddress
  if (address === undefined || address === '') return hostname()
  try {
    return (await lookupService(address.replace(/^::ffff:(?=\d+\.)/i, ''), 0)).hostname
  } catch {
    return hostname()
  }
}

/** What the machine can say of itself on this connection; `undefined` when it has no keys we could use. */
export const machineIdentity =
  (options: HostKeysOptions = {}) =>
  async (by?: ReachedBy): Promise<HostIdentity | undefined> => {
    const { folder = '/etc/ssh', onNote } = options
    const helper = options.keysign ?? usualKeysign.find(path => existsSync(path))
    const plain: Signer[] = []
    const withCertificate: Signer[] = []
    for (const kind of kinds) {
      const path = join(folder, `ssh_host_${kind}_key`)
      try {
        const signer = await signerOf(path, helper, by)
        if (signer === undefined) continue
        plain.push(signer)
        const shown = await certified(path, signer)
        if (shown !== undefined) withCertificate.push(shown)
      } catch (error) {
        onNote?.(`The host key ${path} is not used: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    if (plain.length === 0) {
      onNote?.(`No key of this host can be used: none in ${folder} can be read, and there is no ssh-keysign to sign with them.`)
      return undefined
    }
    const { algorithms } = options
    const signers = [...withCertificate, ...plain]
    return { host: await nameOf(by), user: ownAccount().username, signers, ...(algorithms === undefined ? {} : { algorithms }) }
  }
