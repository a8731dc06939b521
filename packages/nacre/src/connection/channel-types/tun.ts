// Owns the channel a client opens for the packets of a network device (OpenSSH's PROTOCOL, 2.3).
import { struct, uint32 } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

/** The unit that leaves the choice to the server. */
export const anyTunnelUnit = 0x7fffffff
/** The highest unit there is. */
export const highestTunnelUnit = anyTunnelUnit - 2

export const tun = {
  name: 'tun@openssh.com',
  from: 'client',
  /** `tunnelMode` 1 is for packets of layer 3, 2 for Ethernet frames. */
  codec: struct({ tunnelMode: uint32, remoteUnit: uint32 }),
} as const satisfies ChannelTypeRow
