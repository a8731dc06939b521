// Owns what a client on Node uses when nobody says otherwise: known_hosts, the agent at SSH_AUTH_SOCK, the usual key files.
// Knows where OpenSSH keeps things, not what is in them.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AgentClient } from '../agent/client.ts'
import { connectAgent, usualAgents } from '../agent/openssh-node.ts'
import { agentSigners } from '../agent/signers.ts'
import { choose } from '../algorithms/preference.ts'
import { algorithmsOfKeyType, signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { AlgorithmOptions } from '../engine/assemble.ts'
import { KeyFormatError } from '../errors.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { withCertificates } from '../keys/certificate-names.ts'
import { loadLazySigner, loadSigner } from '../keys/load-node.ts'
import { readPublicPart } from '../keys/private-file.ts'
import { parsePublicKeyLine, type PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { addingToAgent, type AddKeysOptions } from './add-keys-node.ts'
import { type CertificateFile, readCertificateFile, signerFor } from './certificate-files-node.ts'
import { Doubts } from './doubts-node.ts'
import { machineIdentity } from './host-keys-node.ts'
import { credentials, type CredentialOptions, type LateSigners } from './identities.ts'
import { knownHosts } from './known-hosts-node.ts'
import type { KnownHostsOptions, SshfpResolver } from './known-hosts-options.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'
import { sshfpResolver } from './sshfp-resolver-node.ts'

export interface OpensshOptions extends Omit<CredentialOptions, 'signers'>, AddKeysOptions {
  /** The user's known_hosts files. Default `~/.ssh/known_hosts` and `~/.ssh/known_hosts2`. */
  readonly knownHostsFiles?: readonly string[]
  /** Those of the system. Default the two in `/etc/ssh`, or none where `knownHostsFiles` says which are meant. */
  readonly globalKnownHostsFiles?: readonly string[]
  /** Known hosts from elsewhere, beside the files. */
  readonly knownHostsCommand?: KnownHostsOptions['command']
  readonly strictHostKeyChecking?: KnownHostsOptions['strict']
  /** Asked about the key of an unknown host. */
  readonly askHostKey?: KnownHostsOptions['ask']
  /** Asked for a yes or no about other matters of host keys. */
  readonly confirm?: KnownHostsOptions['confirm']
  readonly hashKnownHosts?: boolean
  readonly hostKeyAlias?: string
  /** Look the server's address up beside its name. Default false. */
  readonly checkHostIp?: boolean
  /** Take whatever key a server at a loopback address shows. Default false. */
  readonly noHostAuthenticationForLocalhost?: boolean
  /** Look for fingerprints in DNS; `yes` trusts those that DNSSEC proves. Default `no`. */
  readonly verifyHostKeyDns?: 'yes' | 'ask' | 'no'
  /** Who asks DNS. Default the name servers of the system. */
  readonly sshfpResolver?: SshfpResolver
  /**
   * Learn new host keys of a known server, and forget those it no longer has. Default `yes` where the user's files are the usual
   * ones and DNS is not asked, else `no`.
   */
  readonly updateHostKeys?: KnownHostsOptions['update']
  readonly fingerprintHash?: KnownHostsOptions['fingerprintHash']
  readonly onRemembered?: KnownHostsOptions['onRemembered']
  /** Told which line made the host known. */
  readonly onKnownHost?: KnownHostsOptions['onKnown']
  /** Told in words what should be seen before going on. */
  readonly onWarning?: (warning: string) => void
  /** Host keys are only learned if they are of a kind that `hostKey` has. */
  readonly algorithms?: AlgorithmOptions
  /** The algorithms an authority may sign host certificates with. Default: all that are not insecure. */
  readonly authorityAlgorithms?: KnownHostsOptions['authorityAlgorithms']
  /** Files of keys no host may have: a revocation list each, or public keys, one a line. */
  readonly revokedHostKeys?: KnownHostsOptions['revoked']
  /** RSA keys of authorities below this are refused. Default 2048. */
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
  /** Have this machine vouch for us with its keys, by `algorithms.hostbasedAccepted`. Default false. */
  readonly hostbasedAuthentication?: boolean
  /** Told in words about keys that could not be used. */
  readonly onNote?: (note: string) => void
}

const usualFiles = (): readonly string[] =>
  ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', 'id_mldsa44_ed25519'].map(name => join(homedir(), '.ssh', name))

const usualKnownHosts = (): readonly string[] => [join(homedir(), '.ssh', 'known_hosts'), join(homedir(), '.ssh', 'known_hosts2')]
const usualOfSystem = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']

/** Files that somebody chose may be shared or made by a program, so only the usual ones are changed unasked. */
const usualUpdate = ({ knownHostsFiles: files, verifyHostKeyDns: dns = 'no' }: OpensshOptions): 'yes' | 'no' =>
  dns === 'no' && (files === undefined || (files.length === 1 && files[0] === usualKnownHosts()[0])) ? 'yes' : 'no'

/** Host keys of the kinds we would take in a key exchange. */
const acceptable = (choice: AlgorithmOptions['hostKey']): ((key: PublicKey) => boolean) => {
  const names = choose('host key algorithm', withCertificates(signatureAlgorithms), choice)
  return key => algorithmsOfKeyType(key.type).some(name => names.includes(name))
}

const usualPrompts = 3

/**
 * A signer for a key file, or `undefined` with a note when the key cannot be used. The passphrase of an encrypted one is asked
 * for when it has to sign, `passwordPrompts` times at most; without anybody to ask the key is not used at all.
 */
export const fileSigner = async (
  path: string,
  options: Pick<OpensshOptions, 'passphrase' | 'passwordPrompts' | 'onNote' | 'agent' | keyof AddKeysOptions>,
): Promise<Signer | undefined> => {
  const { passphrase, passwordPrompts = usualPrompts, onNote } = options
  const onUsed = addingToAgent(options, () => agentOf(options))?.(path)
  const note = (error: unknown): void => {
    const unanswered = error instanceof KeyFormatError && error.code === 'KEY_PASSPHRASE_NEEDED'
    if (unanswered) onNote?.(`The key file ${path} is encrypted and no passphrase was given, so it is not used.`)
    else onNote?.(error instanceof Error ? error.message : String(error))
  }
  try {
    if (passphrase === undefined || passwordPrompts < 1) return await loadSigner(path, { onUsed })
    return await loadLazySigner(path, {
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

/** The key of a file that is one public key line, in base64. */
const publicBlobIn = async (path: string): Promise<string | undefined> => {
  try {
    const text = await readFile(path, 'utf8')
    return text.startsWith('-') ? undefined : blobOf({ publicKey: parsePublicKeyLine(text, path) })
  } catch {
    return undefined
  }
}

/** The public half that a private key file shows without its passphrase, in base64. */
const publicHalfIn = async (path: string): Promise<string | undefined> => {
  try {
    const half = readPublicPart(await readFile(path), { path })
    return half === undefined ? undefined : encodeBase64(half.blob)
  } catch {
    return undefined
  }
}

/** People whose private keys are in an agent only name the public one: the file itself, or what would be beside it. */
const identityFile = async (path: string): Promise<IdentityFile> => {
  const itself = await publicBlobIn(path)
  const blob = itself ?? (await publicBlobIn(`${path}.pub`)) ?? (await publicHalfIn(path))
  return { path, blob, publicOnly: itself !== undefined || !existsSync(path) }
}

/** A key file that was opened, or a note why not; each only once, since its passphrase is asked for. */
const opener = (options: OpensshOptions): ((path: string) => Promise<Signer | undefined>) => {
  const opened = new Map<string, Promise<Signer | undefined>>()
  return path => {
    const known = opened.get(path) ?? fileSigner(path, options)
    opened.set(path, known)
    return known
  }
}

/** A file of identities: the path named, its public part as far as there is one to see, and whether that is all. */
interface IdentityFile {
  readonly path: string
  readonly blob: string | undefined
  readonly publicOnly: boolean
}

/** The signer of a named certificate: the agent's, or that of the file its key is in. */
const namedCertificate = async (
  file: CertificateFile,
  agent: readonly Signer[],
  files: readonly IdentityFile[],
  open: (path: string) => Promise<Signer | undefined>,
): Promise<Signer | undefined> => {
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

const blobOf = (signer: Pick<Signer, 'publicKey'>): string => encodeBase64(signer.publicKey.blob)

/** The agent's keys, those of the files first, each behind the certificate that lies beside its file. */
const fromAgent = (
  agent: readonly Signer[],
  files: readonly IdentityFile[],
  beside: ReadonlyMap<string, CertificateFile>,
  filesOnly: boolean,
): readonly Signer[] => {
  const certificates = new Set([...beside.values()].map(({ certificate }) => encodeBase64(certificate.blob)))
  const ofFiles = agent.flatMap(signer => {
    const file = files.find(each => each.blob === blobOf(signer))
    if (file === undefined) return certificates.has(blobOf(signer)) ? [signer] : []
    const certificate = beside.get(file.path)
    return [certificate === undefined ? undefined : signerFor(certificate, [signer]), signer].filter(each => each !== undefined)
  })
  return filesOnly ? ofFiles : [...ofFiles, ...agent]
}

/** Named certificates with whatever has their keys. */
const fromCertificates = async (
  options: OpensshOptions,
  agent: readonly Signer[],
  files: readonly IdentityFile[],
  open: (path: string) => Promise<Signer | undefined>,
): Promise<readonly Signer[]> => {
  const signers: Signer[] = []
  for (const path of options.certificateFiles ?? []) {
    const file = await readCertificateFile(path, { named: true, onNote: options.onNote })
    if (file === undefined) continue
    const signer = await namedCertificate(file, agent, files, open)
    if (signer !== undefined) signers.push(signer)
    else options.onNote?.(`The certificate in ${path} is not used: neither the agent nor a key file has its private key.`)
  }
  return signers
}

/** The certificates beside the files, by the file's path; none when certificates are named. */
const certificatesBeside = async (
  options: OpensshOptions,
  files: readonly IdentityFile[],
): Promise<ReadonlyMap<string, CertificateFile>> => {
  const beside = new Map<string, CertificateFile>()
  if (options.certificateFiles !== undefined && options.certificateFiles.length > 0) return beside
  for (const { path } of files) {
    const file = await readCertificateFile(`${path}-cert.pub`, { named: false, onNote: options.onNote })
    if (file !== undefined) beside.set(path, file)
  }
  return beside
}

/**
 * Keys in OpenSSH's order: named certificates, keys of named files that the agent has, the agent's others, files the agent does
 * not have. The certificate beside a file (`-cert.pub`) goes before its key, when no certificate is named.
 */
const collectSigners = async (options: OpensshOptions, proof: SessionProof | undefined): Promise<readonly (Signer | LateSigners)[]> => {
  const named = options.identityFiles !== undefined
  const paths = (options.identityFiles ?? usualFiles()).filter(path => {
    const there = existsSync(path) || existsSync(`${path}.pub`)
    if (!there && named) options.onNote?.(`The key file ${path} does not exist.`)
    return there
  })
  const agent = await agentKeys(options, proof)
  const open = opener(options)
  const files: readonly IdentityFile[] = await Promise.all(paths.map(identityFile))
  const beside = await certificatesBeside(options, files)
  // The agent may have what lies in a file too, and a file what lies in another.
  const have = new Set<string>()
  const isNew = (signer: Signer): boolean => !have.has(blobOf(signer)) && have.add(blobOf(signer)) !== undefined
  const signers: (Signer | LateSigners)[] = (await fromCertificates(options, agent, files, open)).filter(isNew)
  signers.push(...fromAgent(agent, files, beside, options.identitiesOnly === true).filter(isNew))
  const byAgent = new Set<string | undefined>(agent.map(blobOf))
  for (const { path, blob, publicOnly } of files) {
    if (byAgent.has(blob)) continue
    if (publicOnly) {
      if (named) options.onNote?.(`Of the key in ${path} only the public half is there, and no agent has the other.`)
      continue
    }
    const opened = async (): Promise<readonly Signer[]> => {
      const signer = await open(path)
      if (signer === undefined) return []
      const certificate = beside.get(path)
      const certified = certificate === undefined ? undefined : signerFor(certificate, [signer])
      return [...(certified === undefined ? [] : [certified]), signer].filter(isNew)
    }
    // What shows nothing of itself has to be opened to know, which somebody may be asked for: not before its turn.
    signers.push(...(blob === undefined ? [opened] : await opened()))
  }
  return signers
}

/** A connection to the agent; `undefined` when there is none to be had, with a note when one was meant. */
const agentOf = async (options: Pick<OpensshOptions, 'agent' | 'onNote'>): Promise<AgentClient | undefined> => {
  const [path] = options.agent === undefined ? usualAgents() : [options.agent]
  if (path === false || path === undefined || path === '' || path === 'none') return undefined
  try {
    return await connectAgent(options.agent === undefined ? undefined : path)
  } catch (error) {
    options.onNote?.(`The agent at ${path} is not used: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const agentKeys = async (options: OpensshOptions, proof: SessionProof | undefined): Promise<readonly Signer[]> => {
  const agent = await agentOf(options)
  if (agent === undefined) return []
  try {
    const signers = await agentSigners(agent, proof === undefined ? {} : { proof })
    if (signers.length === 0) options.onNote?.('The agent offers no keys: it holds none (add one: ssh-add), or is locked (ssh-add -X).')
    return signers
  } catch (error) {
    options.onNote?.(`The agent is not used: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

/** This machine, where it is to vouch for us and nobody said which keys do. */
const vouchedFor = ({ hostbasedAuthentication, hostBased, algorithms, onNote }: OpensshOptions): Pick<CredentialOptions, 'hostBased'> => {
  if (hostbasedAuthentication !== true || hostBased !== undefined) return {}
  const names = choose('signature algorithm', withCertificates(signatureAlgorithms), algorithms?.hostbasedAccepted)
  return { hostBased: machineIdentity({ algorithms: names, onNote }) }
}

/** Policy and identities as OpenSSH's client has them by default, for `host` and `port`. Reads known_hosts now, keys when needed. */
export const openssh = async (
  host: string,
  port: number,
  options: OpensshOptions = {},
): Promise<{ readonly hostKey: HostKeyPolicy; readonly identities: Identities }> => {
  const dns = options.verifyHostKeyDns ?? 'no'
  const doubts = new Doubts()
  const kept: OpensshOptions = {
    ...options,
    onNote(note) {
      doubts.note(note)
      options.onNote?.(note)
    },
  }
  const known = await knownHosts({
    files: options.knownHostsFiles ?? usualKnownHosts(),
    globalFiles: options.globalKnownHostsFiles ?? (options.knownHostsFiles === undefined ? usualOfSystem : []),
    update: options.updateHostKeys ?? usualUpdate(options),
    accepts: acceptable(options.algorithms?.hostKey),
    ...(options.knownHostsCommand === undefined ? {} : { command: options.knownHostsCommand }),
    ...(options.confirm === undefined ? {} : { confirm: options.confirm }),
    ...(options.checkHostIp === undefined ? {} : { checkAddress: options.checkHostIp }),
    ...(options.noHostAuthenticationForLocalhost === undefined ? {} : { trustLoopback: options.noHostAuthenticationForLocalhost }),
    ...(dns === 'no' ? {} : { dns: { resolve: options.sshfpResolver ?? sshfpResolver(), advisory: dns === 'ask' } }),
    ...(options.fingerprintHash === undefined ? {} : { fingerprintHash: options.fingerprintHash }),
    ...(options.onKnownHost === undefined ? {} : { onKnown: options.onKnownHost }),
    ...(options.onWarning === undefined ? {} : { onWarning: options.onWarning }),
    ...(options.strictHostKeyChecking === undefined ? {} : { strict: options.strictHostKeyChecking }),
    ...(options.askHostKey === undefined ? {} : { ask: options.askHostKey }),
    ...(options.hashKnownHosts === undefined ? {} : { hash: options.hashKnownHosts }),
    ...(options.hostKeyAlias === undefined ? {} : { alias: options.hostKeyAlias }),
    ...(options.onRemembered === undefined ? {} : { onRemembered: options.onRemembered }),
    ...(options.authorityAlgorithms === undefined ? {} : { authorityAlgorithms: options.authorityAlgorithms }),
    ...(options.revokedHostKeys === undefined ? {} : { revoked: options.revokedHostKeys }),
    ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
    ...(options.onNote === undefined ? {} : { onNote: options.onNote }),
  })
  const signers = async (proof: SessionProof | undefined): ReturnType<typeof collectSigners> => {
    const collected = await collectSigners(kept, proof)
    doubts.offered(collected)
    return collected
  }
  return {
    hostKey: known.policy,
    identities: {
      preferHostKeys: await known.preferredAlgorithms(host, port),
      ...doubts.toldBy(credentials({ ...options, ...vouchedFor(kept), signers })),
    },
  }
}
