// Owns what the critical options and extensions of a user certificate mean (PROTOCOL.certkeys): as the options a line of
// authorized_keys has, and both together. Knows nothing of signatures and time.
import { addressRanges } from '../addresses.ts'
import { escapeForPeople, WireError } from '../errors.ts'
import { decode, text } from '../wire/codec.ts'
import type { Certificate, CertificateOption } from './certificate.ts'
import { type KeyOptions, noOptions } from './key-options.ts'

/** What a user certificate allows and forbids. */
export interface CertificateLimits {
  /** `command` of `force-command`, `verifyRequired`, `noTouchRequired`, and `may` of the `permit-` extensions it has. */
  readonly options: KeyOptions
  /** Addresses and CIDR blocks the client must come from; `undefined` for anywhere. */
  readonly sourceAddresses: readonly string[] | undefined
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
interface Draft {
  command: string | undefined
  sourceAddresses: readonly string[] | undefined
  verifyRequired: boolean
  noTouchRequired: boolean
  may: Writable<KeyOptions['may']>
}

/** Each returns what is wrong, in words that follow the option's name, or nothing. */
type Meaning = (draft: Draft, option: CertificateOption) => string | undefined

const onlyFlag = ({ data }: CertificateOption): string | undefined =>
  data.length === 0 ? undefined : `has ${data.length} bytes of data where it should have none`

const textOf = ({ data }: CertificateOption): string | undefined => {
  try {
    const value = decode(text, data)
    return value.includes('\0') ? undefined : value
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

const critical = new Map<string, Meaning>([
  [
    'force-command',
    (draft, option) => {
      const command = textOf(option)
      if (command === undefined) return 'cannot be read'
      if (draft.command !== undefined) return 'is there twice'
      draft.command = command
      return undefined
    },
  ],
  [
    'source-address',
    (draft, option) => {
      const list = textOf(option)?.split(',')
      if (list === undefined) return 'cannot be read'
      if (draft.sourceAddresses !== undefined) return 'is there twice'
      draft.sourceAddresses = list
      try {
        addressRanges(list)
        return undefined
      } catch (error) {
        if (error instanceof TypeError)
          return `has an entry that is no address or CIDR block: ${escapeForPeople(error.message, { limit: 200 })}`
        throw error
      }
    },
  ],
  [
    'verify-required',
    (draft, option) => {
      draft.verifyRequired = true
      return onlyFlag(option)
    },
  ],
])

const permissions: ReadonlyMap<string, keyof KeyOptions['may']> = new Map([
  ['permit-X11-forwarding', 'x11Forwarding'],
  ['permit-agent-forwarding', 'agentForwarding'],
  ['permit-port-forwarding', 'portForwarding'],
  ['permit-pty', 'pty'],
  ['permit-user-rc', 'userRc'],
])

/** Extensions that are not known are no harm: they only ever allow more. */
const takeExtension: Meaning = (draft, option) => {
  const permission = permissions.get(option.name)
  if (permission !== undefined) draft.may[permission] = true
  else if (option.name === 'no-touch-required') draft.noTouchRequired = true
  else return undefined
  return onlyFlag(option)
}

/** The names ssh-keygen gives every user certificate, unless told otherwise. */
export const usualExtensions: readonly string[] = [...permissions.keys()]

/**
 * What a user certificate allows. A string says what is wrong with it, in words that follow "the certificate": a critical
 * option that is not known, or one that cannot be read.
 */
export const certificateLimits = (certificate: Pick<Certificate, 'criticalOptions' | 'extensions'>): CertificateLimits | string => {
  const draft: Draft = {
    command: undefined,
    sourceAddresses: undefined,
    verifyRequired: false,
    noTouchRequired: false,
    // Certificates have no word about tunnels, and so allow them, as at OpenSSH's.
    may: { pty: false, portForwarding: false, agentForwarding: false, x11Forwarding: false, userRc: false, tunnels: true },
  }
  for (const option of certificate.criticalOptions) {
    const shown = escapeForPeople(option.name, { limit: 64 })
    const meaning = critical.get(option.name)
    if (meaning === undefined) return `has the critical option "${shown}", which is not known here, so it may not be used`
    const problem = meaning(draft, option)
    if (problem !== undefined) return `has a critical option "${shown}" that ${problem}`
  }
  for (const option of certificate.extensions) {
    const problem = takeExtension(draft, option)
    if (problem !== undefined) return `has an extension "${escapeForPeople(option.name, { limit: 64 })}" that ${problem}`
  }
  const { sourceAddresses, ...options } = draft
  return { options: { ...noOptions, ...options }, sourceAddresses }
}

/**
 * What holds when a line of authorized_keys (or of a principals file) and a certificate both have a say: everything must be
 * allowed by both, and a demand of either counts. A string says why they do not go together, in words that follow "the certificate".
 */
export const bothOptions = (line: KeyOptions, certificate: KeyOptions): KeyOptions | string => {
  if (line.command !== undefined && certificate.command !== undefined && line.command !== certificate.command)
    return 'forces another command than the line that lets it in'
  return {
    ...line,
    command: line.command ?? certificate.command,
    noTouchRequired: line.noTouchRequired && certificate.noTouchRequired,
    verifyRequired: line.verifyRequired || certificate.verifyRequired,
    may: {
      pty: line.may.pty && certificate.may.pty,
      portForwarding: line.may.portForwarding && certificate.may.portForwarding,
      agentForwarding: line.may.agentForwarding && certificate.may.agentForwarding,
      x11Forwarding: line.may.x11Forwarding && certificate.may.x11Forwarding,
      userRc: line.may.userRc && certificate.may.userRc,
      tunnels: line.may.tunnels && certificate.may.tunnels,
    },
  }
}
