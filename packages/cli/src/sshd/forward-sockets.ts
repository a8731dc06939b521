// Owns with whose rights `sshd` listens and connects for a login: the login's, whatever the server runs as. Knows nothing of who
// may have what forwarded, nor of channels.
import { readFileSync } from 'node:fs'
import { ForwardError } from 'nacre'
import { isUnixPlace, type LocalListening, type LocalSockets } from 'nacre/server'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'

const usualFirstFreePort = 1024

/** The first port that needs no privilege: an administrator may have made it another (ip(7)). */
const firstFreePort = (): number => {
  try {
    const told = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
    return Number.isInteger(told) ? told : usualFirstFreePort
  } catch {
    return usualFirstFreePort
  }
}

/** Unix sockets that are listened on for others. Their paths are removed at the end of the process, with their owner's rights too. */
const open = new Set<() => void>()
let watching = false

const closeOnExit = (close: () => void): void => {
  open.add(close)
  if (watching) return
  watching = true
  process.once('exit', () => {
    for (const each of open) each()
  })
}

/**
 * The machine's sockets with the rights of `account`. Binding, connecting and removing a path happen within the call, before
 * anything is waited for; meanwhile the process has the account's rights. `sockets` must keep to that, as Node's do.
 */
export const accountSockets = (account: Account, sockets: LocalSockets, leastPort = firstFreePort): LocalSockets => {
  const own = process.geteuid?.() === account.uid
  if (own) return sockets
  return {
    connect: (place, options) =>
      isUnixPlace(place) ? asUser(account, () => sockets.connect(place, options)) : sockets.connect(place, options),
    async listen(place, options, taken) {
      if (!isUnixPlace(place)) {
        const least = leastPort()
        if (place.port !== 0 && place.port < least)
          throw new ForwardError('FORWARD_LISTEN', `Cannot listen on port ${place.port}: only root may, below ${least}.`)
        return await sockets.listen(place, options, taken)
      }
      const listening: LocalListening = await asUser(account, () => sockets.listen(place, options, taken))
      // What has the path by then may be another's file, which root could remove.
      const close = (): Promise<void> => asUser(account, () => listening.close())
      const leave = (): void => void close()
      closeOnExit(leave)
      return {
        place: listening.place,
        close() {
          open.delete(leave)
          return close()
        },
      }
    },
  }
}
