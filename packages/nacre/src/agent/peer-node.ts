// Owns whether somebody who connects to an agent's socket is the user whose agent it is, as far as the system tells. Knows nothing
// of agents.
import type { Socket } from 'node:net'
import { nativePeerUser } from '../crypto/node/native.ts'

/** The user this process is run by; `undefined` on Windows. */
export const ownUser = (): number | undefined => process.getuid?.()

/** The descriptor of a socket, which Node keeps to itself; `undefined` where there is none, or where it is kept otherwise. */
const descriptorOf = (socket: Socket): number | undefined => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null }
  const descriptor = handle?.fd
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined
}

/** The user at the other end of a local socket; `undefined` when it cannot be known: no addon, no such call, not Node. */
export const userAtOtherEnd = (socket: Socket): number | undefined => {
  const descriptor = descriptorOf(socket)
  return descriptor === undefined ? undefined : nativePeerUser(descriptor)
}

/** As OpenSSH's agent: our user, and root, which can do all we can. Of whom nothing is known, the modes of files have judged. */
export const mayConnect = (user: number | undefined, own: number | undefined): boolean =>
  user === undefined || own === undefined || user === own || user === 0
