// Owns the figures that bound what one connection may hold, and their defaults. Knows nothing of who counts what.
import { ConfigError } from '../errors.ts'

export interface ConnectionLimits {
  /** Bytes of data a peer may send on a channel before we have to give some back. Default 2 MiB. Each channel may hold as many. */
  readonly initialWindow: number
  /**
   * Bytes of data in one message that we tell the peer we take. Default 64 KiB, at most 255 KiB; OpenSSH is never told more
   * than 32 KiB, which `transport/quirks.ts` explains.
   */
  readonly maximumPacket: number
  /** Bytes of data we send in one message, if the peer takes as many. Default 64 KiB, which is the most. */
  readonly maximumDataBytes: number
  /** Channels at once, whoever opened them. Default 1024. More are refused with `resource-shortage`. */
  readonly maximumChannels: number
  /**
   * Opens of the peer that nobody has answered yet. Default 1024, as many as channels: a hundred may arrive in one read,
   * before anybody could answer the first. More are refused with `resource-shortage`.
   */
  readonly maximumPendingOpens: number
  /** Requests of the peer that want a reply and have none yet: for each channel, and of global ones. Default 256. */
  readonly maximumPendingRequests: number
}

export const defaultLimits: ConnectionLimits = {
  initialWindow: 2 * 1024 * 1024,
  maximumPacket: 64 * 1024,
  maximumDataBytes: 64 * 1024,
  maximumChannels: 1024,
  maximumPendingOpens: 1024,
  maximumPendingRequests: 256,
}

/** Largest values. Windows are uint32 (RFC 4254 §5.1); packets must fit those of the transport, 256 KiB with their frame. */
const ceilings: ConnectionLimits = {
  initialWindow: 0xffffffff,
  maximumPacket: 255 * 1024,
  maximumDataBytes: 64 * 1024,
  maximumChannels: 0xffffffff,
  maximumPendingOpens: 0xffffffff,
  maximumPendingRequests: 0xffffffff,
}

/** Throws `ConfigError` for a limit that cannot work. */
export const checkLimits = (limits: ConnectionLimits): void => {
  for (const name of Object.keys(ceilings) as (keyof ConnectionLimits)[]) {
    const value = limits[name]
    if (!Number.isInteger(value) || value < 1 || value > ceilings[name]) {
      throw new ConfigError(`limits.${name} must be a whole number from 1 to ${ceilings[name]}, not ${value}.`)
    }
  }
}
