// Owns what `ssh -G` prints: the keywords in OpenSSH's order and spelling, with the values that hold. Knows nothing of where
// they come from.
import type { ClientConfig } from './client-keywords.ts'
import { clientKeywords } from './client-keywords.ts'
import type { Kind } from './kinds.ts'

/** The algorithms that each of these keywords leaves, in order. What is left out is printed as it was written. */
export type AlgorithmLists = Partial<
  Record<
    | 'ciphers'
    | 'macs'
    | 'kexAlgorithms'
    | 'hostKeyAlgorithms'
    | 'hostbasedAcceptedAlgorithms'
    | 'pubkeyAcceptedAlgorithms'
    | 'caSignatureAlgorithms',
    readonly string[]
  >
>

/** Key files that are tried when none is named, in OpenSSH's order. */
const usualIdentityFiles: readonly string[] = [
  '~/.ssh/id_rsa',
  '~/.ssh/id_ecdsa',
  '~/.ssh/id_ecdsa_sk',
  '~/.ssh/id_ed25519',
  '~/.ssh/id_ed25519_sk',
  '~/.ssh/id_mldsa44_ed25519',
]

const silent: ReadonlySet<string> = new Set(['refuseConnection'])
/** OpenSSH prints this one so. */
const spellings: Readonly<Record<string, string>> = { canonicalizePermittedCnames: 'canonicalizePermittedcnames' }

const valuesOf = (property: keyof typeof clientKeywords, config: ClientConfig): readonly string[] => {
  const value: unknown = config[property]
  if (value === undefined || silent.has(property)) return []
  // A build without security keys of its own has no provider to print.
  if (property === 'securityKeyProvider' && value === '') return []
  if (property === 'identityFile' && config.identityFile.length === 0) return usualIdentityFiles
  if (property === 'logLevel' && value === 'DEBUG1') return ['DEBUG']
  const kind: Kind<unknown> = clientKeywords[property].kind
  return kind.print === undefined ? kind.show(value) : kind.print(value)
}

/** Lines of keyword and value, as `ssh -G` prints them for a host: all keywords but those without a value. */
export const dumpClientConfig = (config: ClientConfig, host: string, lists: AlgorithmLists = {}): string => {
  const chosen: Readonly<Record<string, readonly string[] | undefined>> = lists
  const properties = Object.keys(clientKeywords) as (keyof typeof clientKeywords)[]
  const lines = properties.flatMap(property => {
    const name = spellings[property] ?? clientKeywords[property].name.toLowerCase()
    const list = chosen[property]
    return (list === undefined ? valuesOf(property, config) : [list.join(',')]).map(value => `${name} ${value}`)
  })
  return [`host ${host}`, ...lines].map(line => `${line}\n`).join('')
}
