// Owns which programs of the configuration are asked about one login, and with which tokens. Knows neither how they are run nor
// what their answers mean.
import type { ServerConfig } from 'nacre/config'
import { type Certificate, type FingerprintHash, fingerprintHashNamed, parsePublicKey } from 'nacre/keys'
import type { Applicant } from 'nacre/server'
import type { Account } from './account.ts'
import { plainAddress } from './addresses.ts'
import type { Directory } from './eligible.ts'
import { type KeyCommandCall, runKeyCommand } from './key-command.ts'

/** A key or certificate somebody wants to log in with. */
export interface ShownKey {
  readonly type: string
  readonly blob: Uint8Array
  fingerprint(): string
}

export interface LoginFacts {
  readonly applicant: Applicant
  readonly account: Account
  readonly key: ShownKey
  readonly directory: Directory
  readonly say: (text: string) => void
}

const base64 = (blob: Uint8Array): string => Buffer.from(blob).toString('base64')

/** The four ends of the connection, as OpenSSH writes them; `UNKNOWN 65535` for those nobody knows. */
const ends = ({ remote }: Applicant): string =>
  [
    plainAddress(remote?.localAddress ?? 'UNKNOWN'),
    remote?.localPort ?? 65_535,
    plainAddress(remote?.address ?? 'UNKNOWN'),
    remote?.port ?? 65_535,
  ].join(' ')

/** By FingerprintHash; a key nobody can read keeps the usual one. */
const fingerprintOf = (key: ShownKey, hash: FingerprintHash | undefined): string => {
  if (hash === undefined || hash === 'sha256') return key.fingerprint()
  try {
    return parsePublicKey(key.blob).fingerprint(hash)
  } catch {
    return key.fingerprint()
  }
}

const call = (config: ServerConfig, { applicant, account, key, directory, say }: LoginFacts): KeyCommandCall => ({
  account,
  tokens: {
    C: ends(applicant),
    D: '',
    t: key.type,
    f: fingerprintOf(key, fingerprintHashNamed(config.fingerprintHash)),
    k: base64(key.blob),
  },
  lookUp: name => directory.account(name),
  say,
  signal: applicant.signal,
})

export const isSet = (command: string): boolean => command.toLowerCase() !== 'none'

/** AuthorizedKeysCommand; `undefined` for none. */
export const keysCommand = (config: ServerConfig, facts: LoginFacts): (() => Promise<string | undefined>) | undefined => {
  const { authorizedKeysCommand: command, authorizedKeysCommandUser: user } = config
  if (!isSet(command)) return undefined
  return () => runKeyCommand({ keyword: 'AuthorizedKeysCommand', command, user }, call(config, facts))
}

/** AuthorizedPrincipalsCommand; `undefined` for none. */
export const principalsCommand = (
  config: ServerConfig,
  facts: LoginFacts,
): ((certificate: Certificate) => Promise<string | undefined>) | undefined => {
  const { authorizedPrincipalsCommand: command, authorizedPrincipalsCommandUser: user } = config
  if (!isSet(command)) return undefined
  return certificate => {
    const { signatureKey, keyId, serial } = certificate
    const usual = call(config, facts)
    const tokens = {
      ...usual.tokens,
      T: signatureKey.type,
      F: signatureKey.fingerprint(fingerprintHashNamed(config.fingerprintHash)),
      K: base64(signatureKey.blob),
      i: keyId,
      s: String(serial),
    }
    return runKeyCommand({ keyword: 'AuthorizedPrincipalsCommand', command, user }, { ...usual, tokens })
  }
}

/** What a configuration lacks to run them; a sentence for each. */
export const commandProblems = (config: ServerConfig): readonly string[] => [
  ...(isSet(config.authorizedKeysCommand) && !isSet(config.authorizedKeysCommandUser)
    ? ['AuthorizedKeysCommand is set without AuthorizedKeysCommandUser.']
    : []),
  ...(isSet(config.authorizedPrincipalsCommand) && !isSet(config.authorizedPrincipalsCommandUser)
    ? ['AuthorizedPrincipalsCommand is set without AuthorizedPrincipalsCommandUser.']
    : []),
  ...(isSet(config.authenticationCommand) && !isSet(config.authenticationCommandUser)
    ? ['AuthenticationCommand is set without AuthenticationCommandUser.']
    : []),
]
