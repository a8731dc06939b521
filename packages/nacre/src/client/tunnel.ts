// Owns asking a server for the other end of a tunnel (OpenSSH's PROTOCOL, 2.3). Loaded when the first program wants one. Knows
// nothing of devices.
import { anyTunnelUnit, highestTunnelUnit, tun } from '../connection/channel-types/tun.ts'
import { ChannelOpenError, ConfigError, escapeForPeople, ForwardError } from '../errors.ts'
import { Tunnel, type TunnelDevice, type TunnelMode, tunnelModes } from '../forward/tunnel.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import type { Link } from '../io/link.ts'

export interface TunnelOptions {
  /** Default `point-to-point`: packets of IP. */
  readonly mode?: TunnelMode
  /** The device at the server: 3 is its `tun3`. Default: the server chooses. */
  readonly unit?: number | undefined
  /** This end, of the same mode: `openTunnelDevice()`, or one of yours. It is closed with the tunnel, and when there will be none. */
  readonly device: TunnelDevice
}

const unitOf = ({ unit }: TunnelOptions): number => {
  if (unit === undefined) return anyTunnelUnit
  if (!Number.isInteger(unit) || unit < 0 || unit > highestTunnelUnit)
    throw new ConfigError(`The unit of a tunnel is a whole number from 0 to ${highestTunnelUnit}, not ${unit}.`)
  return unit
}

const refused = (error: ChannelOpenError): ForwardError => {
  const said = escapeForPeople(error.description, { limit: 300 }) || error.reason || 'it gave no reason'
  const words = `The server made no tunnel: ${said}. It may not permit any (PermitTunnel), or lack the right or the device.`
  return new ForwardError('FORWARD_TUNNEL', words, { cause: error })
}

/** Rejects with `ForwardError` FORWARD_TUNNEL when the server refuses, with `ConfigError`, or with what ended the connection. */
export const openTunnel = async (link: Link, options: TunnelOptions): Promise<Tunnel> => {
  const { mode = 'point-to-point', device } = options
  try {
    const remoteUnit = unitOf(options)
    return await new Promise<Tunnel>((resolve, reject) => {
      const opener = {
        // Within the call: what the server sends behind its answer is for the device already.
        opened: (port: ChannelPort): void => resolve(new Tunnel(port, device, mode)),
        failed: (error: unknown): void => reject(error instanceof ChannelOpenError ? refused(error) : error),
      }
      link.openFor(opener, tun, { tunnelMode: tunnelModes[mode], remoteUnit })
    })
  } catch (error) {
    device.close()
    throw error
  }
}
