// Owns what a client on Node uses when nobody says otherwise: known_hosts, the agent at SSH_AUTH_SOCK, the usual key files.
// Knows where OpenSSH keeps things, not what is in them.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { connectAgent } from '../agent/openssh-node.ts'
import { agentSigners } from '../agent/signers.ts'
import { KeyFormatError } from '../errors.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { loadSigner } from '../keys/load-node.ts'
import type { Signer } from '../keys/signer.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { credentials, type CredentialOptions } from './identities.ts'
import { knownHosts, type KnownHostsOptions } from './known-hosts-node.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'

export interface OpensshOptions extends Omit<CredentialOptions, 'signers'> {
  /** known_hosts files. Default `~/.ssh/known_hosts`, `~/.ssh/known_hosts2` and the two of the system. */
  readonly knownHostsFiles?: readonly string[]
  readonly strictHostKeyChecking?: KnownHostsOptions['strict']
  /** Asked about the key of an unknown host. */
  readonly askHostKey?: KnownHostsOptions['ask']
  readonly hashKnownHosts?: boolean
  readonly hostKeyAlias?: string
  readonly onRemembered?: KnownHostsOptions['onRemembered']
  /** Private key files, instead of the usual ones in `~/.ssh`. */
  readonly identityFiles?: readonly string[]
  /** Offer only keys of `identityFiles`, even if the agent has more. */
  readonly identitiesOnly?: boolean
  /** Socket of the agent; `false` for none. Default SSH_AUTH_SOCK. */
  readonly agent?: string | false
  /** Asked for the passphrase of an encrypted key file; `undefined` skips the key. `attempt` counts from 1. */
  readonly passphrase?: (path: string, attempt: number) => string | undefined | Promise<string | undefined>
  /** Told in words about keys that could not be used. */
  readonly onNote?: (note: string) => void
}

const passphraseAttempts = 3

const usualFiles = (): readonly string[] => ['id_rsa', 'id_ecdsa', 'id_ed25519'].map(name => join(homedir(), '.ssh', name))

const usualKnownHosts = (): readonly string[] => [
  join(homedir(), '.ssh', 'known_hosts'),
  join(homedir(), '.ssh', 'known_hosts2'),
  '/etc/ssh/ssh_known_hosts',
  '/etc/ssh/ssh_known_hosts2',
]

/** A signer for a key file, or `undefined` with a note when the key cannot be used. */
export const fileSigner = async (path: string, options: Pick<OpensshOptions, 'passphrase' | 'onNote'>): Promise<Signer | undefined> => {
  let passphrase: string | undefined
  for (let attempt = 0; ; attempt++) {
    try {
      return await loadSigner(path, passphrase === undefined ? {} : { passphrase })
    } catch (error) {
      const asks = error instanceof KeyFormatError && (error.code === 'KEY_PASSPHRASE_NEEDED' || error.code === 'KEY_PASSPHRASE_WRONG')
      if (!asks || attempt >= passphraseAttempts) {
        options.onNote?.(error instanceof Error ? error.message : String(error))
        return undefined
      }
      passphrase = await options.passphrase?.(path, attempt + 1)
      if (passphrase === undefined || passphrase === '') {
        options.onNote?.(`The key file ${path} is encrypted and no passphrase was given, so it is not used.`)
        return undefined
      }
    }
  }
}

const publicBlobOf = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(`${path}.pub`, 'utf8')).split(' ')[1]
  } catch {
    return undefined
  }
}

/** Keys in OpenSSH's order: those of named files that the agent has, the agent's others, files the agent does not have. */
const collectSigners = async (options: OpensshOptions, proof: SessionProof | undefined): Promise<Signer[]> => {
  const named = options.identityFiles !== undefined
  const files = (options.identityFiles ?? usualFiles()).filter(path => {
    const there = existsSync(path)
    if (!there && named) options.onNote?.(`The key file ${path} does not exist.`)
    return there
  })
  const agent = await agentKeys(options, proof)
  const blobs = new Map<string, string | undefined>()
  for (const path of files) blobs.set(path, await publicBlobOf(path))
  const wanted = new Set(blobs.values())
  const inAgent = agent.filter(signer => wanted.has(encodeBase64(signer.publicKey.blob)))
  const others = options.identitiesOnly === true ? [] : agent.filter(signer => !inAgent.includes(signer))
  const fromFiles: Signer[] = []
  const have = new Set<string | undefined>(agent.map(signer => encodeBase64(signer.publicKey.blob)))
  for (const path of files) {
    if (have.has(blobs.get(path))) continue
    const signer = await fileSigner(path, options)
    if (signer !== undefined && !have.has(encodeBase64(signer.publicKey.blob))) fromFiles.push(signer)
  }
  return [...inAgent, ...others, ...fromFiles]
}

/** A connection to the agent is bound to one session, so each login has its own. */
const agentKeys = async (options: OpensshOptions, proof: SessionProof | undefined): Promise<readonly Signer[]> => {
  const path = options.agent ?? process.env.SSH_AUTH_SOCK
  if (path === false || path === undefined || path === '' || path === 'none') return []
  try {
    return await agentSigners(await connectAgent(path), proof === undefined ? {} : { proof })
  } catch (error) {
    options.onNote?.(`The agent at ${path} is not used: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

/** Policy and identities as OpenSSH's client has them by default, for `host` and `port`. Reads known_hosts now, keys when needed. */
export const openssh = async (
  host: string,
  port: number,
  options: OpensshOptions = {},
): Promise<{ readonly hostKey: HostKeyPolicy; readonly identities: Identities }> => {
  const known = await knownHosts({
    files: options.knownHostsFiles ?? usualKnownHosts(),
    ...(options.strictHostKeyChecking === undefined ? {} : { strict: options.strictHostKeyChecking }),
    ...(options.askHostKey === undefined ? {} : { ask: options.askHostKey }),
    ...(options.hashKnownHosts === undefined ? {} : { hash: options.hashKnownHosts }),
    ...(options.hostKeyAlias === undefined ? {} : { alias: options.hostKeyAlias }),
    ...(options.onRemembered === undefined ? {} : { onRemembered: options.onRemembered }),
  })
  return {
    hostKey: known.policy,
    identities: { preferHostKeys: known.knownTypes(host, port), ...credentials({ ...options, signers: proof => collectSigners(options, proof) }) },
  }
}
