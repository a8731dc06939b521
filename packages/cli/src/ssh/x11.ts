// Owns which display `ssh` lends to the other end (ForwardX11, -X, -Y, -x), and what it says when it cannot. Knows nothing of channels
// or of xauth's files.
import { type ClientConnection, ForwardError, x11Authentication, type X11Forwarding } from 'nacre'
import type { Environment } from '../environment.ts'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'

/** The session's display; `undefined` for none. */
export const prepareX11 = async (
  { config }: SshConfig,
  connection: Pick<ClientConnection, 'untrusted' | 'shared'>,
  environment: Environment,
  log: Log,
): Promise<X11Forwarding | undefined> => {
  if (!config.forwardX11) return undefined
  if (connection.untrusted) {
    log.say('ERROR', 'X11 forwarding is disabled to avoid man-in-the-middle attacks: the host key is not the known one.')
    return undefined
  }
  if (connection.shared) {
    log.say('INFO', 'X11 is not forwarded over a connection that another process shares: -S none makes one that is not shared.')
    return undefined
  }
  const display = environment.variables.DISPLAY
  if (display === undefined || display === '') {
    log.debug('X11 forwarding requested but DISPLAY not set')
    return undefined
  }
  const trusted = config.forwardX11Trusted
  const timeout = trusted || config.forwardX11Timeout === 0 ? {} : { timeout: config.forwardX11Timeout * 1000 }
  try {
    const authentication = await x11Authentication(display, { xauth: config.xAuthLocation, trusted, ...timeout })
    if (authentication === undefined)
      log.say('INFO', `Warning: no cookie for ${display} from ${config.xAuthLocation}; the X server is asked to let X11 in without one.`)
    return {
      display,
      authentication,
      ...timeout,
      onRefused: () =>
        log.say('INFO', 'X11 forwarding request failed: the server gives this login no display (X11Forwarding, or no xauth there).'),
      onNote: note => log.say('INFO', note),
    }
  } catch (error) {
    if (!(error instanceof ForwardError)) throw error
    log.say('INFO', `X11 is not forwarded. ${error.message}`)
    return undefined
  }
}
