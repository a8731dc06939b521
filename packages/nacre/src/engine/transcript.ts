// Owns the recorded form of a conversation: every packet's payload with secrets blanked and what the engine made of it, one
// JSON object a line, below one line that says what the engine was told. Knows nothing of files, and nothing of replaying
// (see `testing/transcript.ts`).
import type { Agreed } from '../algorithms/negotiate.ts'
import { UserauthRequest } from '../auth/messages.ts'
import { hostBoundMethod } from '../auth/methods/publickey.ts'
import { ProtocolError, SshError } from '../errors.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { Reader } from '../wire/reader.ts'
import { decodeMessage, encodeMessage, type Message } from '../wire/message.ts'
import { Writer } from '../wire/writer.ts'
import type { EngineConfig, Transcript } from './config.ts'
import type { EngineEvent } from './events.ts'

/** The first line: as much of an engine's configuration as a replay needs, nothing secret among it. */
export interface TranscriptHeader {
  readonly transcript: 1
  readonly role: 'client' | 'server'
  readonly user: string | undefined
  readonly identification: string
  readonly offer: EngineConfig['transport']['offer']
  readonly extensions: Readonly<Record<string, string>>
  /** Server: public halves of its host keys, in base64, with the algorithms they sign with. */
  readonly hostKeys: readonly { readonly publicKey: string; readonly algorithms: readonly string[] }[]
  readonly acceptedAlgorithms: readonly string[]
  readonly methods: readonly string[]
  readonly maximumAttempts: number
  readonly banner: string | undefined
  readonly limits: EngineConfig['connection']['limits']
}

const headerOf = ({ transport, authentication, connection }: EngineConfig): TranscriptHeader => {
  const server = authentication.role === 'server' ? authentication : undefined
  return {
    transcript: 1,
    role: transport.role,
    user: authentication.role === 'client' ? authentication.user : undefined,
    identification: String.fromCharCode(...transport.identification),
    offer: transport.offer,
    extensions: transport.extensions,
    hostKeys: transport.hostKeys.map(key => ({ publicKey: encodeBase64(key.publicKey.blob), algorithms: key.algorithms })),
    acceptedAlgorithms: server?.acceptedAlgorithms ?? [],
    methods: server?.methods ?? [],
    maximumAttempts: server?.maximumAttempts ?? 0,
    banner: server?.banner,
    limits: connection.limits,
  }
}

/** An event as a transcript holds it: `event` is its name, the rest what can be compared. Never data, never a secret. */
export interface TranscriptEvent {
  readonly at: number
  readonly event: EngineEvent['is']
  readonly [fact: string]: unknown
}

const algorithmFacts = ({ kex, hostKey, clientToServer, serverToClient }: Agreed): object => ({
  kex,
  hostKey,
  clientToServer,
  serverToClient,
})

/** `fault` is the peer's violation, or `internal-error` for an error of ours that nobody foresaw. */
const faultFacts = (error: Error): object =>
  error instanceof ProtocolError
    ? { fault: error.violation, error: error.message }
    : error instanceof SshError
      ? { error: error.message }
      : { fault: 'internal-error', error: error.stack ?? error.message }

/** `undefined` for what depends on how an application went about it, and not on the conversation. */
const eventFacts = (event: EngineEvent): Record<string, unknown> | undefined => {
  switch (event.is) {
    case 'question':
      return event.question.about === 'compute' ? undefined : { about: event.question.about }
    case 'writable':
      return undefined
    case 'identified':
      return { softwareVersion: event.peer.softwareVersion, linesBefore: event.linesBefore.length }
    case 'exchanged':
      return { ...algorithmFacts(event.agreed), first: event.first, strict: event.strict }
    case 'banner':
    case 'debug':
      return { message: event.message }
    case 'authenticated':
      return { user: event.user }
    // The packet that brought it stands there too.
    case 'untaken-key':
      return undefined
    case 'pong':
      return { bytes: event.data.length }
    case 'open-request':
      return { channelType: event.question.channelType }
    case 'global-request':
      return { request: event.question.request.name, wantReply: event.question.wantReply }
    case 'channel-request':
      return { channel: event.channel.number, request: event.question.request.name, wantReply: event.question.wantReply }
    case 'data':
      return { channel: event.channel.number, type: event.type, bytes: event.bytes.length }
    case 'open-failed':
      return { channel: event.channel.number, reason: event.reason }
    case 'opened':
    case 'eof':
      return { channel: event.channel.number }
    case 'closed':
      return { channel: event.channel.number, cutOff: event.error !== undefined }
    case 'ended':
      return {
        by: event.by,
        reason: event.reason,
        ...faultFacts(event.error),
      }
  }
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

/** Writes a conversation as lines of JSON, without line ends: the header, then a line for each packet and each event. */
export const transcriptLines =
  (write: (line: string) => void, options: { readonly secrets?: boolean } = {}): Transcript =>
  config => {
    write(JSON.stringify(headerOf(config)))
    return {
      secrets: options.secrets === true,
      packet: packet => write(JSON.stringify({ ...packet, at: rounded(packet.at), payload: encodeBase64(packet.payload) })),
      event(event, at) {
        const facts = eventFacts(event)
        if (facts !== undefined) write(JSON.stringify({ at: rounded(at), event: event.is, ...facts } satisfies TranscriptEvent))
      },
    }
  }

/** What stands for a password or an answer: not even its length is shown. */
const blanked = new Uint8Array(8)

/** Data keep their length, because windows count it. */
const blank = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value.length)
  if (typeof value === 'string') return String.fromCharCode(...blanked)
  return Array.isArray(value) ? value.map(blank) : value
}

/** Methods whose requests hold nothing secret: a signature is good for one session only. */
const openMethods: readonly string[] = ['none', 'publickey', hostBoundMethod, 'keyboard-interactive', 'hostbased']

/** The method-specific part of an authentication request. Passwords keep their place. */
const blankDetails = (method: string, details: Uint8Array): Uint8Array => {
  if (openMethods.includes(method)) return details
  if (method !== 'password') return new Uint8Array(details.length)
  const reader = new Reader(details)
  const writer = new Writer()
  try {
    for (writer.boolean(reader.boolean()); reader.remaining > 0; writer.string(blanked)) reader.string()
    return writer.written()
  } catch {
    return new Uint8Array(details.length)
  }
}

/** The payload of a message for a transcript. */
export const blankedPayload = <T>(message: Message<string, T>, value: T): Uint8Array => {
  if (message.secret.length === 0) return encodeMessage(message, value)
  const fields = value as Record<string, unknown>
  const shown = { ...fields }
  for (const name of message.secret)
    shown[name] = message === UserauthRequest ? blankDetails(String(fields.methodName), fields[name] as Uint8Array) : blank(fields[name])
  return encodeMessage(message, shown as T)
}

/** The same for a payload that came. What cannot be read is blanked whole if it could hold a secret. */
export const blankedReceived = (message: Message | undefined, payload: Uint8Array): Uint8Array => {
  if (message !== undefined && message.secret.length === 0) return payload.slice()
  try {
    if (message !== undefined) return blankedPayload(message, decodeMessage(message, payload) as unknown)
  } catch {
    // It will be refused in a moment.
  }
  const unreadable = new Uint8Array(payload.length)
  unreadable[0] = payload[0]
  return unreadable
}
