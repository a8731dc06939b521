// Owns what DISPLAY says: where the X server is, and which of its screens. Knows nothing of connecting to it.
import { escapeForPeople, ForwardError } from '../errors.ts'
import type { Place } from './sockets.ts'

export interface X11Display {
  /** The display as it was named. */
  readonly text: string
  readonly place: Place
  readonly screen: number
  /** What xauth(1) knows it by: a display of this machine has a name that does not go over TCP. */
  readonly authorityName: string
}

/** TCP ports of displays begin here. */
export const x11FirstPort = 6000
const highestDisplay = 65_535 - x11FirstPort
/** What may be handed to xauth: no blanks, and nothing that looks like an option. */
const valid = /^[A-Za-z0-9:/._[\]][A-Za-z0-9:/.\-_[\]]*$/

const bad = (text: string): ForwardError =>
  new ForwardError(
    'FORWARD_REFUSED',
    `DISPLAY is "${escapeForPeople(text, { limit: 200 })}", which names no display; usual are :0 and host:10.0.`,
  )

/**
 * Reads `:0`, `unix:0.1`, `host:10.0`, `[::1]:10`, or the path of a socket as macOS has it (`/private/…/org.xquartz:0`). Throws
 * `ForwardError` FORWARD_REFUSED for what is none.
 */
export const parseX11Display = (text: string): X11Display => {
  if (!valid.test(text)) throw bad(text)
  const colon = text.lastIndexOf(':')
  const numbers = /^(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text.slice(colon + 1))
  if (colon < 0 || numbers === null) throw bad(text)
  const [display, screen] = [Number(numbers[1]), Number(numbers[2] ?? 0)]
  const host = text.slice(0, colon)
  // The socket's own name has the number of the display in it, but not the screen.
  if (host.startsWith('/')) return { text, place: { path: `${host}:${display}` }, screen, authorityName: text }
  if (host === '' || host === 'unix') return { text, place: { path: `/tmp/.X11-unix/X${display}` }, screen, authorityName: text }
  if (display > highestDisplay || host.includes('/')) throw bad(text)
  const name = host.replace(/^\[(.*)\]$/, '$1')
  if (name === '' || (name.includes(':') && name === host)) throw bad(text)
  const authorityName = host === 'localhost' ? `unix:${text.slice(colon + 1)}` : text
  return { text, place: { host: name, port: x11FirstPort + display }, screen, authorityName }
}
