// Owns what a key in an agent may be bound to (RFC 9987 §3.2.7, OpenSSH PROTOCOL.agent §2 and §3): values, and how they lie
// in a request. Knows nothing of who keeps to them.
import { WireError } from '../errors.ts'
import { boolean, bytes, type Codec, nested, repeated, struct, text } from '../wire/codec.ts'
import type { Reader } from '../wire/reader.ts'
import type { Writer } from '../wire/writer.ts'

/** RFC 9987 §6.2: key constraints. */
export const agentConstraints = {
  SSH_AGENT_CONSTRAIN_LIFETIME: 1,
  SSH_AGENT_CONSTRAIN_CONFIRM: 2,
  SSH_AGENT_CONSTRAIN_EXTENSION: 255,
} as const

/** One end of a hop: the machine, by the keys it may show. */
export interface DestinationHost {
  /** Pattern of the user's name there; '' for any. Always '' at the near end. */
  readonly user: string
  /** The name the keys were looked up by. '' is the machine of the agent, at the near end only. */
  readonly host: string
  /** Public key blobs; `authority` when the key certifies hosts. */
  readonly keys: readonly { readonly key: Uint8Array; readonly authority: boolean }[]
}

/** A way a key may be used on: logging in at `to`, from the machine of the agent or through `from`. */
export interface Destination {
  readonly from: DestinationHost
  readonly to: DestinationHost
}

export interface KeyConstraints {
  /** Seconds until the agent forgets the key. */
  readonly lifetime?: number
  /** The agent asks the person before each use. */
  readonly confirm?: boolean
  /** The key signs for these ways only. */
  readonly destinations?: readonly Destination[]
  /** The library by which the agent reaches a security key; `internal` for its own. */
  readonly skProvider?: string
  /** Certificates for the keys of a token; only in requests to add one. */
  readonly associatedCertificates?: { readonly certificatesOnly: boolean; readonly certificates: readonly Uint8Array[] }
}

/** Bounds of OpenSSH's agent. */
const mostDestinations = 1024
const mostCertificates = 1024
const mostKeysOfHost = 1024
const longestUserPattern = 256

const nothing = new Uint8Array(0)

const reserved: Codec<void> = {
  read: reader => {
    // What we do not know may restrict more than we would keep to.
    if (reader.string().length > 0) throw new WireError('a destination with extensions that are not known')
  },
  write: writer => writer.string(nothing),
}

const hostKeys = repeated(struct({ key: bytes, authority: boolean }), mostKeysOfHost)

const hostFields: Codec<DestinationHost> = {
  read: reader => {
    const [user, host] = [reader.text(), reader.text()]
    reserved.read(reader)
    if (user.length > longestUserPattern) throw new WireError('a pattern of users that is too long')
    if (user.includes('\0') || host.includes('\0')) throw new WireError('a destination with a zero byte')
    return { user, host, keys: hostKeys.read(reader) }
  },
  write: (writer, { user, host, keys }) => {
    writer.text(user)
    writer.text(host)
    reserved.write(writer, undefined)
    hostKeys.write(writer, keys)
  },
}

const hop = nested(hostFields)

/** PROTOCOL.agent §2: nobody is named at the near end; the far end has keys. */
const checkDestination = ({ from, to }: Destination): void => {
  if (from.user !== '' || (from.host === '') !== (from.keys.length === 0))
    throw new WireError('a destination whose beginning is inconsistent')
  if (to.host === '' || to.keys.length === 0) throw new WireError('a destination whose end is incomplete')
}

const destination: Codec<Destination> = nested({
  read: reader => {
    const value = { from: hop.read(reader), to: hop.read(reader) }
    reserved.read(reader)
    checkDestination(value)
    return value
  },
  write: (writer, value) => {
    hop.write(writer, value.from)
    hop.write(writer, value.to)
    reserved.write(writer, undefined)
  },
})

const destinations = nested(repeated(destination, mostDestinations))
const certificates = repeated(bytes, mostCertificates)
const associated = struct({ certificatesOnly: boolean, certificates: nested(certificates) })

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Draft = Writable<KeyConstraints>

interface ExtensionRow {
  readonly name: string
  readonly field: keyof KeyConstraints
  read(reader: Reader, into: Draft): void
  write(writer: Writer, from: KeyConstraints): void
}

const extension = <K extends keyof KeyConstraints>(name: string, field: K, codec: Codec<NonNullable<KeyConstraints[K]>>): ExtensionRow => ({
  name,
  field,
  read: (reader, into) => {
    into[field] = codec.read(reader)
  },
  write: (writer, from) => {
    const value = from[field]
    if (value !== undefined) codec.write(writer, value as NonNullable<KeyConstraints[K]>)
  },
})

/** In the order OpenSSH writes them. */
const extensions: readonly ExtensionRow[] = [
  extension('sk-provider@openssh.com', 'skProvider', text),
  extension('restrict-destination-v00@openssh.com', 'destinations', destinations),
  extension('associated-certs-v00@openssh.com', 'associatedCertificates', associated),
]

const readOne = (reader: Reader, into: Draft): void => {
  const kind = reader.byte()
  const twice = (field: keyof KeyConstraints): void => {
    if (into[field] !== undefined) throw new WireError('a constraint that is there twice')
  }
  if (kind === agentConstraints.SSH_AGENT_CONSTRAIN_LIFETIME) {
    twice('lifetime')
    into.lifetime = reader.uint32()
  } else if (kind === agentConstraints.SSH_AGENT_CONSTRAIN_CONFIRM) {
    twice('confirm')
    into.confirm = true
  } else if (kind === agentConstraints.SSH_AGENT_CONSTRAIN_EXTENSION) {
    const name = reader.text()
    const row = extensions.find(each => each.name === name)
    // RFC 9987 §3.2.7: a key whose constraints are not all understood must not be taken.
    if (row === undefined) throw new WireError('a constraint that is not known')
    twice(row.field)
    row.read(reader, into)
  } else throw new WireError(`a constraint of kind ${kind}, which is not known`)
}

/** Constraints to the end of the message. */
export const keyConstraints: Codec<KeyConstraints> = {
  read: reader => {
    const found: Draft = {}
    while (reader.remaining > 0) readOne(reader, found)
    return found
  },
  write: (writer, value) => {
    if (value.lifetime !== undefined) {
      writer.byte(agentConstraints.SSH_AGENT_CONSTRAIN_LIFETIME)
      writer.uint32(value.lifetime)
    }
    if (value.confirm === true) writer.byte(agentConstraints.SSH_AGENT_CONSTRAIN_CONFIRM)
    for (const row of extensions) {
      if (value[row.field] === undefined) continue
      writer.byte(agentConstraints.SSH_AGENT_CONSTRAIN_EXTENSION)
      writer.text(row.name)
      row.write(writer, value)
    }
  },
}

/** True when there is anything to keep to. */
export const isConstrained = (value: KeyConstraints): boolean =>
  value.lifetime !== undefined || value.confirm === true || extensions.some(row => value[row.field] !== undefined)
