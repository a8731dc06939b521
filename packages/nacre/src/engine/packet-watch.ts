// Owns showing packets to those who want to see them: a trace for people, a transcript that can be replayed. Knows the
// declarations, not the connection.
import { ChannelData, ChannelExtendedData } from '../connection/messages.ts'
import { decodeMessage, encodeMessage, type Message } from '../wire/message.ts'
import type { EngineConfig, TranscriptSink } from './config.ts'
import type { EngineEvent } from './events.ts'
import { tracedFields } from './trace.ts'
import { blankedPayload, blankedReceived } from './transcript.ts'

export class PacketWatch {
  readonly #trace: EngineConfig['trace']
  readonly #record: TranscriptSink | undefined
  readonly #now: () => number

  /** `undefined` when nobody looks: then nothing need be decoded for it. `now` gives the engine's time. */
  static of(config: EngineConfig, now: () => number): PacketWatch | undefined {
    return config.trace === undefined && config.transcript === undefined ? undefined : new PacketWatch(config, now)
  }

  private constructor(config: EngineConfig, now: () => number) {
    this.#trace = config.trace
    this.#record = config.transcript?.(config)
    this.#now = now
  }

  identification(direction: 'sent' | 'received', line: Uint8Array): void {
    this.#record?.packet({ at: this.#now(), direction, number: 0, name: 'identification', payload: line })
  }

  sent(message: Message, value: unknown, sequence: number): void {
    this.#traced('sent', message, value, sequence)
    this.#record?.packet({
      at: this.#now(),
      direction: 'sent',
      number: message.number,
      name: message.name,
      payload: this.#record.secrets === true ? encodeMessage(message, value) : blankedPayload(message, value),
    })
  }

  /** Data goes to the network past its declaration. */
  sentData(recipientChannel: number, dataTypeCode: number, data: Uint8Array, sequence: number): void {
    if (dataTypeCode === 0) this.sent(ChannelData, { recipientChannel, data }, sequence)
    else this.sent(ChannelExtendedData, { recipientChannel, dataTypeCode, data }, sequence)
  }

  received(message: Message | undefined, payload: Uint8Array, sequence: number): void {
    const name = message?.name ?? `message ${payload[0]}`
    this.#record?.packet({
      at: this.#now(),
      direction: 'received',
      number: payload[0],
      name,
      payload: this.#record.secrets === true ? payload.slice() : blankedReceived(message, payload),
    })
    if (this.#trace === undefined) return
    let value: unknown
    try {
      value = message === undefined ? undefined : decodeMessage(message, payload)
    } catch {
      // It will be refused in a moment; the trace shows that it came.
    }
    if (message === undefined || value === undefined)
      this.#trace({ at: this.#now(), direction: 'received', sequence, number: payload[0], name, fields: {} })
    else this.#traced('received', message, value, sequence)
  }

  event(event: EngineEvent): void {
    this.#record?.event?.(event, this.#now())
  }

  #traced(direction: 'sent' | 'received', message: Message, value: unknown, sequence: number): void {
    this.#trace?.({
      at: this.#now(),
      direction,
      sequence,
      number: message.number,
      name: message.name,
      fields: tracedFields(message, value),
    })
  }
}
