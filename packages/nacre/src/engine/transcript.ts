// Owns the recorded form of a conversation: every packet's payload with secrets blanked, one JSON object a line, below one
// line that says what the engine was told. Knows nothing of files, and nothing of replaying (see `testing/transcript.ts`).
import { UserauthRequest } from '../auth/messages.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { Reader } from '../wire/reader.ts'
import { decodeMessage, encodeMessage, type Message } from '../wire/message.ts'
import type { EngineConfig, Transcript } from './config.ts'

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

/** Writes a conversation as lines of JSON, without line ends. `packet` is the form of every line but the first. */
export const transcriptLines =
  (write: (line: string) => void): Transcript =>
  config => {
    write(JSON.stringify(headerOf(config)))
    return packet => write(JSON.stringify({ ...packet, at: Math.round(packet.at * 1000) / 1000, payload: encodeBase64(packet.payload) }))
  }

const blank = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value.length)
  if (typeof value === 'string') return '\0'.repeat(new TextEncoder().encode(value).length)
  return Array.isArray(value) ? value.map(blank) : value
}

/** Methods whose requests hold nothing secret: a signature is good for one session only. */
const openMethods: readonly string[] = ['none', 'publickey', 'keyboard-interactive']

/** The method-specific part of an authentication request. Passwords keep their place and length. */
const blankDetails = (method: string, details: Uint8Array): Uint8Array => {
  if (openMethods.includes(method)) return details
  const blanked = details.slice()
  if (method !== 'password') return blanked.fill(0)
  const reader = new Reader(blanked)
  try {
    for (reader.boolean(); reader.remaining > 0;) reader.string().fill(0)
  } catch {
    blanked.fill(0)
  }
  return blanked
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
  const blanked = new Uint8Array(payload.length)
  blanked[0] = payload[0]
  return blanked
}
