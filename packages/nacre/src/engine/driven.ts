// Owns what a driver and a link need of an engine, so that more than one kind of engine can be driven. Knows nothing of how
// packets are protected, or whether they are.
import type { Connection } from '../connection/connection.ts'
import type { DisconnectReason } from '../errors.ts'
import type { EngineFigures } from './config.ts'
import type { EngineEvent } from './events.ts'

/** One side of a connection, without I/O: `Engine` over a network, `SharedEngine` over the socket of a shared connection. */
export interface DrivenEngine {
  readonly connection: Connection
  readonly ended: boolean
  readonly wantsInput: boolean
  readonly outputCanWait: boolean
  /** Bytes to write that the network has not taken. */
  readonly pendingOutput: number
  /** Of the first key exchange; `undefined` before that, and where there is none. */
  readonly sessionId: Uint8Array | undefined
  readonly peerExtensions: { readonly ping: boolean; readonly agentForward?: boolean } | undefined
  start(now: number): void
  receive(bytes: Uint8Array, now: number): void
  end(now: number, cause?: unknown): void
  disconnect(reason: DisconnectReason, description?: string, error?: Error): void
  elapse(now: number): void
  deadline(): number | undefined
  nextEvent(): EngineEvent | undefined
  takeOutgoing(): Uint8Array | undefined
  release(buffer: Uint8Array): boolean
  rekey(): void
  ping(data: Uint8Array): void
  change(figures: EngineFigures): void
}
