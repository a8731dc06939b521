// Owns the tunnel of one `ssh`: -w, Tunnel and TunnelDevice. Knows nothing of packets.
import { type ClientConnection, openTunnelDevice, SshError, type Tunnel } from 'nacre'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'

/** `any` is nobody's number. */
const unitOf = (device: number | 'any'): number | undefined => (device === 'any' ? undefined : device)

/**
 * Makes the device here and asks for the one there, if the configuration wants a tunnel. What fails is said, or ends all with
 * ExitOnForwardFailure. A device here is there even if the server takes its time; it goes with the tunnel.
 */
export const startTunnel = async (connection: ClientConnection, { config }: SshConfig, log: Log): Promise<Tunnel | undefined> => {
  const { tunnel: mode, tunnelDevice } = config
  if (mode === 'no') return undefined
  try {
    const device = openTunnelDevice({ mode, unit: unitOf(tunnelDevice.local) })
    log.debug(`the tunnel uses the device ${device.name} here`)
    const tunnel = await connection.tunnel({ mode, unit: unitOf(tunnelDevice.remote), device })
    void tunnel.closed.then(error => {
      // What ended the connection is told where that is told.
      if (connection.link.ended === undefined) log.say('ERROR', `The tunnel is closed${error === undefined ? '' : `: ${error.message}`}.`)
    })
    return tunnel
  } catch (error) {
    const words = `Could not request tunnel forwarding: ${error instanceof Error ? error.message : String(error)}`
    if (config.exitOnForwardFailure) throw new SshError('FORWARDING_FAILED', words, { cause: error })
    if (connection.link.ended === undefined) log.say('ERROR', words)
    return undefined
  }
}
