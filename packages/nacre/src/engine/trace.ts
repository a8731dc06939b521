// Owns turning a message into something to look at: decoded fields with secrets left out, and one line for people.
// Knows the declarations, not the connection.
import { escapeForPeople } from '../errors.ts'
import { Secret } from '../crypto/secret.ts'
import type { Message } from '../wire/message.ts'

/** A field as a trace shows it. Bytes are shown in part; secrets are only measured. */
export type TracedValue = string | number | boolean | null | readonly TracedValue[] | { readonly [name: string]: TracedValue }

/** One packet, either way. */
export interface TraceRecord {
  /** Milliseconds on the engine's clock. */
  readonly at: number
  readonly direction: 'sent' | 'received'
  readonly sequence: number
  readonly number: number
  /** RFC name, or `message 42` for a number nothing declares. */
  readonly name: string
  readonly fields: { readonly [name: string]: TracedValue }
}

/** One packet, or the identification line, which has the number 0. */
export interface TranscriptPacket {
  /** Milliseconds on the engine's clock. */
  readonly at: number
  readonly direction: 'sent' | 'received'
  readonly number: number
  /** RFC name; `identification`; or `message 42` for a number that nothing declares. */
  readonly name: string
  /** The payload, number included. Where the declaration says that something is secret, zeros of the same length stand. */
  readonly payload: Uint8Array
}

const shownBytes = 32

const hex = (bytes: Uint8Array): string => Array.from(bytes.subarray(0, shownBytes), byte => byte.toString(16).padStart(2, '0')).join('')

const traced = (value: unknown): TracedValue => {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Secret) return '[secret]'
  if (value instanceof Uint8Array) return `${hex(value)}${value.length > shownBytes ? `… (${value.length} bytes)` : ''}`
  if (Array.isArray(value)) return value.map(traced)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, traced(inner)]))
}

const measured = (value: unknown): TracedValue =>
  value instanceof Uint8Array ? `[${value.length} bytes]` : Array.isArray(value) ? `[${value.length} left out]` : '[left out]'

/** The fields of a message for a trace; those its declaration calls secret are only measured. */
export const tracedFields = (message: Message, value: unknown): TraceRecord['fields'] => {
  const all = value as Record<string, unknown>
  return Object.fromEntries(
    Object.keys(message.fields).map(name => [name, message.secret.includes(name) ? measured(all[name]) : traced(all[name])]),
  )
}

const line = (value: TracedValue): string =>
  typeof value === 'string'
    ? JSON.stringify(escapeForPeople(value, { limit: 400 }))
    : typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? `[${value.map(line).join(' ')}]`
        : `{${Object.entries(value)
            .map(([name, inner]) => `${name}=${line(inner)}`)
            .join(' ')}}`
      : String(value)

/** One line for people, e.g. `→ #3 SSH_MSG_SERVICE_REQUEST serviceName="ssh-userauth"`. */
export const traceLine = (record: TraceRecord): string => {
  const fields = Object.entries(record.fields).map(([name, value]) => ` ${name}=${line(value)}`)
  return `${record.direction === 'sent' ? '→' : '←'} #${record.sequence} ${record.name}${fields.join('')}`
}
