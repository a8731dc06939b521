// Owns which keys a client on Node logs in with, in which order: those of named files, of the usual files and of the agent, and
// certificates. Knows nothing of what is done with them.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AgentClient } from '../agent/client.ts'
import { connectAgent, usualAgents } from '../agent/openssh-node.ts'
import { agentSigners } from '../agent/signers.ts'
import { KeyFormatError } from '../errors.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { parseCertificate } from '../keys/certificate.ts'
import { isCertificateType, plainTypeOf } from '../keys/certificate-names.ts'
import type { FingerprintHash } from '../keys/fingerprint.ts'
import { loadLazySigner, loadSigner } from '../keys/load-node.ts'
import { readPublicPart } from '../keys/private-file.ts'
import { parsePublicKeyLine, type PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { addingToAgent, type AddKeysOptions } from './add-keys-node.ts'
import { type CertificateFile, readCertificateFile, signerFor } from './certificate-files-node.ts'
import type { LateSigners } from './identities.ts'

export interface LoginKeyOptions extends AddKeysOptions {
  /** RSA keys below this are not used; those of authorities are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** Private key files, instead of the usual ones in `~/.ssh`. */
  readonly identityFiles?: readonly string[]
  /** Certificates to show; without them, those beside the key files (`-cert.pub`). */
  readonly certificateFiles?: readonly string[]
  /** Offer only keys of `identityFiles`, even if the agent has more. */
  readonly identitiesOnly?: boolean
  /** Socket of the agent; `false` for none. Default SSH_AUTH_SOCK, and on Windows the pipes of OpenSSH's agent and of Pageant. */
  readonly agent?: string | false
  /**
   * Asked for the passphrase of an encrypted key file, once the server has said that it would take the key; `undefined` skips
   * it. `attempt` counts from 1, up to `passwordPrompts`.
   */
  readonly passphrase?: (path: string, attempt: number) => string | undefined | Promise<string | undefined>
  /** How often somebody is asked for the passphrase of a key file. Default 3. */
  readonly passwordPrompts?: number
  /** How keys are named. Default sha256. */
  readonly fingerprintHash?: FingerprintHash
  /** Told in words about keys that could not be used. */
  readonly onNote?: (note: string) => void
}

const usualFiles = (): readonly string[] =>
  ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', 'id_mldsa44_ed25519'].map(name => join(homedir(), '.ssh', name))

const usualPrompts = 3

/**
 * A signer for a key file, or `undefined` with a note when the key cannot be used. The passphrase of an encrypted one is asked
 * for when it has to sign, `passwordPrompts` times at most; without anybody to ask the key is not used at all.
 */
export const fileSigner = async (
  path: string,
  options: Pick<LoginKeyOptions, 'passphrase' | 'passwordPrompts' | 'minimumRsaBits' | 'onNote' | 'agent' | keyof AddKeysOptions>,
): Promise<Signer | undefined> => {
  const { passphrase, passwordPrompts = usualPrompts, minimumRsaBits, onNote } = options
  const limits = minimumRsaBits === undefined ? {} : { minimumRsaBits }
  const onUsed = addingToAgent(options, () => agentOf(options))?.(path)
  const note = (error: unknown): void => {
    const unanswered = error instanceof KeyFormatError && error.code === 'KEY_PASSPHRASE_NEEDED'
    if (unanswered) onNote?.(`The key file ${path} is encrypted and no passphrase was given, so it is not used.`)
    else onNote?.(error instanceof Error ? error.message : String(error))
  }
  try {
    if (passphrase === undefined || passwordPrompts < 1) return await loadSigner(path, { ...limits, onUsed })
    return await loadLazySigner(path, {
      ...limits,
      passphrase: ({ attempt }) => passphrase(path, attempt),
      attempts: passwordPrompts,
      onFailed: note,
      onUsed,
    })
  } catch (error) {
    note(error)
    return undefined
  }
}

/** A connection to the agent; `undefined` when there is none to be had, with a note when one was meant. */
const agentOf = async (options: Pick<LoginKeyOptions, 'agent' | 'onNote'>): Promise<AgentClient | undefined> => {
  const [path] = options.agent === undefined ? usualAgents() : [options.agent]
  if (path === false || path === undefined || path === '' || path === 'none') return undefined
  try {
    return await connectAgent(options.agent === undefined ? undefined : path)
  } catch (error) {
    options.onNote?.(`The agent at ${path} is not used: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const agentKeys = async (options: LoginKeyOptions, proof: SessionProof | undefined): Promise<readonly Signer[]> => {
  const agent = await agentOf(options)
  if (agent === undefined) return []
  const { onNote, minimumRsaBits } = options
  let weak = 0
  const onWeak = (note: string): void => {
    weak++
    onNote?.(note)
  }
  try {
    const signers = await agentSigners(agent, {
      onNote: onWeak,
      ...(minimumRsaBits === undefined ? {} : { minimumRsaBits }),
      ...(options.fingerprintHash === undefined ? {} : { fingerprintHash: options.fingerprintHash }),
      ...(proof === undefined ? {} : { proof }),
    })
    if (signers.length === 0 && weak === 0)
      onNote?.('The agent offers no keys: it holds none (add one: ssh-add), or is locked (ssh-add -X).')
    return signers
  } catch (error) {
    onNote?.(`The agent is not used: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

/** The key of a file that is one public key line. */
const publicKeyIn = async (path: string): Promise<PublicKey | undefined> => {
  try {
    const text = await readFile(path, 'utf8')
    return text.startsWith('-') ? undefined : parsePublicKeyLine(text, path)
  } catch {
    return undefined
  }
}

/** The public half that a private key file shows without its passphrase. */
const publicHalfIn = async (path: string): Promise<PublicKey | undefined> => {
  try {
    return readPublicPart(await readFile(path), { path })
  } catch {
    return undefined
  }
}

const blobOf = (key: PublicKey): string => encodeBase64(key.blob)

/** What a file of identities stands for: a key, or the certificate that lies beside it. */
interface Identity {
  readonly path: string
  /** In base64; `undefined` where the file has to be opened to know. */
  readonly blob: string | undefined
  readonly certificate?: CertificateFile
  /** The private half is not in this file: an agent may have it. */
  readonly publicOnly: boolean
}

/** The key of a file. People whose private keys are in an agent only name the public one: the file itself, or what would be beside it. */
const keyOf = async (path: string): Promise<Identity> => {
  const itself = await publicKeyIn(path)
  const key = itself ?? (await publicKeyIn(`${path}.pub`)) ?? (await publicHalfIn(path))
  return { path, blob: key === undefined ? undefined : blobOf(key), publicOnly: itself !== undefined || !existsSync(path) }
}

/** A file's key, and then the certificate beside it, unless certificates are named. */
const identitiesOf = async (path: string, options: LoginKeyOptions): Promise<readonly Identity[]> => {
  const key = await keyOf(path)
  if ((options.certificateFiles ?? []).length > 0) return [key]
  const certificate = await readCertificateFile(`${path}-cert.pub`, { named: false, onNote: options.onNote })
  if (certificate === undefined) return [key]
  return [key, { ...key, blob: encodeBase64(certificate.certificate.blob), certificate }]
}

/** A key file that was opened, or a note why not; each only once, since its passphrase is asked for. */
const opener = (options: LoginKeyOptions): ((path: string) => Promise<Signer | undefined>) => {
  const opened = new Map<string, Promise<Signer | undefined>>()
  return path => {
    const known = opened.get(path) ?? fileSigner(path, options)
    opened.set(path, known)
    return known
  }
}

/** Where keys are: the agent's, those of the files, and what opens a file. */
interface Found {
  readonly agent: readonly Signer[]
  readonly files: readonly Identity[]
  readonly open: (path: string) => Promise<Signer | undefined>
  readonly options: LoginKeyOptions
}

/** The signer of a named certificate: the agent's, or that of the file its key is in. */
const namedCertificate = async (file: CertificateFile, { agent, files, open }: Found): Promise<Signer | undefined> => {
  const byAgent = signerFor(file, agent)
  if (byAgent !== undefined) return byAgent
  const wanted = encodeBase64(file.certificate.key.blob)
  // A file whose public part is not beside it has to be opened to know.
  for (const each of files) {
    if (each.publicOnly || (each.blob !== undefined && each.blob !== wanted)) continue
    const signer = await open(each.path)
    const found = signer === undefined ? undefined : signerFor(file, [signer])
    if (found !== undefined) return found
  }
  return undefined
}

/** Named certificates with whatever has their keys. */
const fromCertificates = async (found: Found): Promise<readonly Signer[]> => {
  const { options } = found
  const signers: Signer[] = []
  for (const path of options.certificateFiles ?? []) {
    const file = await readCertificateFile(path, { named: true, onNote: options.onNote })
    if (file === undefined) continue
    const signer = await namedCertificate(file, found)
    if (signer !== undefined) signers.push(signer)
    else options.onNote?.(`The certificate in ${path} is not used: neither the agent nor a key file has its private key.`)
  }
  return signers
}

/** Something to offer, and what decides its place. */
interface Place<T> {
  readonly offer: T
  /** Somebody named it, so that it stays where they put it. */
  readonly named: boolean
  /** The certificate, if it is one. */
  readonly certificate?: Uint8Array | undefined
}

/** Certificates that ask nobody for a touch go first, those that want a PIN last, plain keys after all of them. */
const rankOf = (certificate: Uint8Array | undefined): number => {
  if (certificate === undefined) return 3
  const { key, criticalOptions, extensions } = parseCertificate(certificate)
  if (!plainTypeOf(key.type).startsWith('sk-')) return 1
  if (criticalOptions.some(({ name }) => name === 'verify-required')) return 2
  return extensions.some(({ name }) => name === 'no-touch-required') ? 0 : 1
}

/** What somebody named keeps its place; all else goes by rank through the places that are left. */
export const byRank = <T>(all: readonly Place<T>[]): readonly T[] => {
  const others = all.filter(({ named }) => !named).toSorted((one, other) => rankOf(one.certificate) - rankOf(other.certificate))
  let next = 0
  return all.map(each => (each.named ? each : others[next++]).offer)
}

/** The agent's keys: those of files first, in the agent's order, then its others. `left` are the files' that it does not have. */
const fromAgent = (
  { agent, files, options }: Found,
  named: boolean,
): { readonly offered: readonly Signer[]; readonly left: readonly Identity[] } => {
  const left = [...files]
  const ofFiles: Place<Signer>[] = []
  const others: Place<Signer>[] = []
  for (const signer of agent) {
    const { publicKey } = signer
    const certificate = isCertificateType(publicKey.type) ? publicKey.blob : undefined
    const at = left.findIndex(({ blob }) => blob === blobOf(publicKey))
    if (at >= 0) {
      left.splice(at, 1)
      ofFiles.push({ offer: signer, named, certificate })
    } else if (options.identitiesOnly !== true) others.push({ offer: signer, named: false, certificate })
  }
  return { offered: byRank([...ofFiles, ...others]), left }
}

/** What a file signs with; nothing, with a note, when that cannot be. */
const fromFile = async (identity: Identity, { agent, open, options }: Found): Promise<Signer | undefined> => {
  const { path, certificate, publicOnly } = identity
  const byAgent = certificate === undefined ? undefined : signerFor(certificate, agent)
  if (byAgent !== undefined) return byAgent
  if (publicOnly) {
    if (options.identityFiles !== undefined && certificate === undefined)
      options.onNote?.(`Of the key in ${path} only the public half is there, and no agent has the other.`)
    return undefined
  }
  const signer = await open(path)
  return signer === undefined || certificate === undefined ? signer : signerFor(certificate, [signer])
}

/**
 * Keys in OpenSSH's order: named certificates, keys of the files that the agent has, the agent's others, and what is in files
 * alone, the certificate beside a file (`-cert.pub`, where none is named) after its key. Of what nobody named, certificates go
 * before plain keys.
 */
export const collectSigners = async (
  options: LoginKeyOptions,
  proof: SessionProof | undefined,
): Promise<readonly (Signer | LateSigners)[]> => {
  const named = options.identityFiles !== undefined
  const paths = (options.identityFiles ?? usualFiles()).filter(path => {
    const there = [path, `${path}.pub`, `${path}-cert.pub`].some(each => existsSync(each))
    if (!there && named) options.onNote?.(`The key file ${path} does not exist.`)
    return there
  })
  const agent = await agentKeys(options, proof)
  const files = (await Promise.all(paths.map(path => identitiesOf(path, options)))).flat()
  const found: Found = { agent, files, open: opener(options), options }
  // The agent may have what lies in a file too, and a file what lies in another.
  const have = new Set<string>()
  const isNew = ({ publicKey }: Signer): boolean => !have.has(blobOf(publicKey)) && have.add(blobOf(publicKey)) !== undefined
  const signers: (Signer | LateSigners)[] = (await fromCertificates(found)).filter(isNew)
  const { offered, left: notByAgent } = fromAgent(found, named)
  signers.push(...offered.filter(isNew))
  // Another file of a key that the agent has adds nothing.
  const left = notByAgent.filter(({ blob }) => !offered.some(signer => blobOf(signer.publicKey) === blob))
  const order = byRank(left.map(offer => ({ offer, named, certificate: offer.certificate?.certificate.blob })))
  for (const identity of order) {
    const opened = async (): Promise<readonly Signer[]> => {
      const signer = await fromFile(identity, found)
      return signer === undefined ? [] : [signer].filter(isNew)
    }
    // What shows nothing of itself has to be opened to know, which somebody may be asked for: not before its turn.
    const unknown = left.some(({ path, blob }) => path === identity.path && blob === undefined) && !identity.publicOnly
    signers.push(...(unknown ? [opened] : await opened()))
  }
  return signers
}
