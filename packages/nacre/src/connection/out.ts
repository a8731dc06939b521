// Owns what this layer asks of whoever carries its messages. Knows nothing of packets, keys or buffers.
import type { Message } from '../wire/message.ts'

export interface ConnectionOut {
  /** Sends a control message. Always taken; kept in order while a key exchange runs. */
  send<T>(message: Message<string, T>, value: T): void
  /** Sends SSH_MSG_CHANNEL_DATA, or SSH_MSG_CHANNEL_EXTENDED_DATA when `type` is not 0. Only after `canSend` was true. */
  sendData(channel: number, type: number, bytes: Uint8Array): void
  /** False while a key exchange runs or too much waits for the network; `Connection.flush` must follow once it is true again. */
  canSend(): boolean
  /** Bytes of data that fit one message. */
  readonly maxPayload: number
  /** Bytes of data in one message that suit this peer, however many more we would take. Known before any channel is. */
  maxIncoming(): number
  /** The peer holds its next small packet back until TCP has acknowledged the last one (Nagle's algorithm). */
  awaitsAcknowledgement?(): boolean
}
